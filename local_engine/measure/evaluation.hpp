// How good a model is: perplexity of a text, and multiple-choice questions by likelihood. Comparing quants of one model is
// running this with each. One thread calls. Blocking.
#pragma once

#include "core/result.hpp"
#include "local_engine/diagnostics.hpp"
#include "local_engine/model/model.hpp"
#include "local_engine/tokenizer/tokenizer.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sluice::local_engine {

struct Perplexity {
    double value = 0.0;            // exp of the mean negative log-likelihood
    double standard_error = 0.0;   // of `value`
    std::int64_t tokens = 0;       // that were predicted
};

struct Question {
    std::string prompt;
    std::vector<std::string> choices;
    std::size_t answer = 0;
};

struct Guess {
    std::size_t best = 0;          // choice with the highest log-likelihood
    std::size_t best_per_byte = 0; // the same, divided by the choice's length
};

class Evaluation {
public:
    // context: tokens looked at together, at least 8 and at most what the model was trained for.
    static core::Result<std::unique_ptr<Evaluation>> open(const std::filesystem::path& model, const DiagnosticOptions& options,
                                                          std::int64_t context);

    const Tokenizer& tokenizer() const { return tokenizer_; }
    // The text in windows of `context` tokens, side by side; the second half of each is predicted, as is usual, so that
    // every prediction has half a window before it. `progress` is told done and all tokens. InvalidRequest: too short.
    core::Result<Perplexity> perplexity(std::span<const TokenId> tokens,
                                        const std::function<void(std::int64_t, std::int64_t)>& progress);
    // InvalidRequest: longer than the context.
    core::Result<Guess> answer(const Question& question);

    // Log-likelihood of ids[from...] given what is before each; from at least 1.
    std::vector<double> log_likelihoods(std::span<const TokenId> ids, std::size_t from);

private:
    Evaluation(std::unique_ptr<Model> model, Tokenizer tokenizer, std::int64_t context)
        : model_(std::move(model)), tokenizer_(std::move(tokenizer)), context_(context) {}

    std::unique_ptr<Model> model_;
    Tokenizer tokenizer_;
    std::int64_t context_;
};

}  // namespace sluice::local_engine
