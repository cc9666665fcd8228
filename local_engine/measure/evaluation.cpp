#include "local_engine/measure/evaluation.hpp"

#include "local_engine/kv/pages.hpp"
#include "local_engine/measure/open_model.hpp"
#include "local_engine/sampling/log_probabilities.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace sluice::local_engine {
namespace {

constexpr std::int32_t kStep = 64;  // tokens computed together: as many rows of logits are kept

core::Error wrong(std::string detail) {
    return {core::Errc::InvalidRequest, std::move(detail)};
}

}  // namespace

core::Result<std::unique_ptr<Evaluation>> Evaluation::open(const std::filesystem::path& path, const DiagnosticOptions& options,
                                                           std::int64_t context) {
    auto model = open_model(path, options, {kStep, kStep, static_cast<std::int32_t>(pages_for(context)), options.kv_type});
    if (!model) return model.error();
    if (context < 8 || context > (*model)->plan.context_length)
        return wrong("the context must be from 8 to " + std::to_string((*model)->plan.context_length) + " tokens for this model");
    auto tokenizer = Tokenizer::from(*(*model)->file);
    if (!tokenizer) return tokenizer.error();
    return std::unique_ptr<Evaluation>(new Evaluation(std::move(*model), std::move(*tokenizer), context));
}

std::vector<double> Evaluation::log_likelihoods(std::span<const TokenId> ids, std::size_t from) {
    const std::size_t width = static_cast<std::size_t>(model_->plan.vocabulary);
    std::vector<std::int32_t> pages(static_cast<std::size_t>(pages_for(std::ssize(ids))));
    std::iota(pages.begin(), pages.end(), 0);
    std::vector<double> out;
    std::vector<float> logits;
    // The last token predicts nothing that is asked for.
    for (std::size_t start = 0; start + 1 < ids.size(); start += kStep) {
        const std::size_t count = std::min<std::size_t>(kStep, ids.size() - 1 - start);
        std::vector<std::int32_t> positions(count);
        std::iota(positions.begin(), positions.end(), static_cast<std::int32_t>(start));
        const std::vector<std::int32_t> sequences(count, 0);
        std::vector<std::int32_t> rows;
        for (std::size_t i = 0; i < count; ++i) {
            if (start + i + 1 >= from) rows.push_back(static_cast<std::int32_t>(i));
        }
        logits.resize(rows.size() * width);
        model_->forward->run({ids.subspan(start, count), positions, sequences, pages, static_cast<std::int32_t>(pages.size()), rows}, logits);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const LogProbabilities row{std::span<const float>(logits).subspan(i * width, width)};
            out.push_back(static_cast<double>(row.of(ids[start + static_cast<std::size_t>(rows[i]) + 1])));
        }
    }
    return out;
}

core::Result<Perplexity> Evaluation::perplexity(std::span<const TokenId> tokens,
                                                const std::function<void(std::int64_t, std::int64_t)>& progress) {
    const auto window = static_cast<std::size_t>(context_);
    if (tokens.size() < window) {
        return wrong("the text has " + std::to_string(tokens.size()) + " tokens; at least " + std::to_string(window) +
                     " (one context) are needed");
    }
    double sum = 0.0;
    double squares = 0.0;
    Perplexity result;
    for (std::size_t start = 0; start + window <= tokens.size(); start += window) {
        std::vector<TokenId> ids(tokens.begin() + static_cast<std::ptrdiff_t>(start),
                                 tokens.begin() + static_cast<std::ptrdiff_t>(start + window));
        if (tokenizer_.add_bos() && tokenizer_.bos()) ids.front() = *tokenizer_.bos();
        for (const double value : log_likelihoods(ids, window / 2)) {
            sum -= value;
            squares += value * value;
            ++result.tokens;
        }
        progress(static_cast<std::int64_t>(start + window), std::ssize(tokens));
    }
    const auto count = static_cast<double>(result.tokens);
    const double mean = sum / count;
    result.value = std::exp(mean);
    const double variance = std::max(0.0, squares / count - mean * mean);
    result.standard_error = result.value * std::sqrt(variance / count);
    return result;
}

core::Result<Guess> Evaluation::answer(const Question& question) {
    Guess guess;
    double best = -INFINITY;
    double best_per_byte = -INFINITY;
    for (std::size_t i = 0; i < question.choices.size(); ++i) {
        std::vector<TokenId> ids = tokenizer_.encode(question.prompt, SpecialTokens::Plain);
        if (tokenizer_.add_bos() && tokenizer_.bos()) ids.insert(ids.begin(), *tokenizer_.bos());
        if (ids.empty()) return wrong("a question is empty");
        const std::size_t from = ids.size();
        // Tokenized apart, so that all choices follow the same tokens.
        const std::vector<TokenId> choice = tokenizer_.encode(question.choices[i], SpecialTokens::Plain);
        if (choice.empty()) return wrong("a choice is empty");
        ids.insert(ids.end(), choice.begin(), choice.end());
        if (std::ssize(ids) > context_) return wrong("a question with a choice is longer than " + std::to_string(context_) + " tokens");
        const std::vector<double> values = log_likelihoods(ids, from);
        const double sum = std::accumulate(values.begin(), values.end(), 0.0);
        const double per_byte = sum / static_cast<double>(question.choices[i].size());
        if (sum > best) best = sum, guess.best = i;
        if (per_byte > best_per_byte) best_per_byte = per_byte, guess.best_per_byte = i;
    }
    return guess;
}

}  // namespace sluice::local_engine
