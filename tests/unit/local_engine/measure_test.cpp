// Speed and quality of models, on the tiny ones: the numbers must follow from the model's own logits.
#include "local_engine/measure/evaluation.hpp"
#include "local_engine/measure/model_bench.hpp"

#include "golden.hpp"
#include "local_engine/sampling/log_probabilities.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace sluice::local_engine {
namespace {

std::filesystem::path tiny() {
    return testing::bundled_goldens() / "qwen3moe-n-Q8_0.gguf";
}

std::vector<TokenId> some_tokens(int count) {
    std::vector<TokenId> ids;
    for (int i = 0; i < count; ++i) ids.push_back((i * 37 + i * i) % 200);
    return ids;
}

TEST(Evaluations, PerplexityFollowsFromTheLogitsOfEveryPosition) {
    const DiagnosticOptions options{.threads = 1};
    auto evaluation = Evaluation::open(tiny(), options, 160);
    ASSERT_TRUE(evaluation) << core::describe(evaluation.error());
    const auto ids = some_tokens(400);  // two windows; the rest is left out
    std::int64_t told = 0;
    const auto result = (*evaluation)->perplexity(ids, [&](std::int64_t done, std::int64_t) { told = done; });
    ASSERT_TRUE(result);
    EXPECT_EQ(told, 320);
    EXPECT_EQ(result->tokens, 160);
    double sum = 0.0;
    for (const std::size_t start : {0U, 160U}) {
        std::vector<TokenId> window(ids.begin() + static_cast<std::ptrdiff_t>(start), ids.begin() + static_cast<std::ptrdiff_t>(start) + 160);
        if ((*evaluation)->tokenizer().add_bos()) window[0] = *(*evaluation)->tokenizer().bos();
        std::vector<std::int32_t> positions(80);
        std::iota(positions.begin(), positions.end(), 79);
        const auto rows = logits(tiny(), window, positions, options);
        ASSERT_TRUE(rows);
        const std::size_t width = rows->size() / positions.size();
        for (std::size_t i = 0; i < positions.size(); ++i) {
            sum -= static_cast<double>(LogProbabilities(std::span(*rows).subspan(i * width, width)).of(window[80 + i]));
        }
    }
    EXPECT_NEAR(result->value, std::exp(sum / 160.0), 1e-6 * result->value);
    EXPECT_GT(result->standard_error, 0.0);
}

TEST(Evaluations, TheLikeliestChoiceIsTheAnswer) {
    auto evaluation = Evaluation::open(tiny(), {.threads = 1}, 128);
    ASSERT_TRUE(evaluation);
    Question question{"Hello", {" a", " bb", "c"}, 0};
    const auto guess = (*evaluation)->answer(question);
    ASSERT_TRUE(guess);
    std::vector<double> sums;
    for (const std::string& choice : question.choices) {
        auto ids = (*evaluation)->tokenizer().encode(question.prompt, SpecialTokens::Plain);
        if ((*evaluation)->tokenizer().add_bos()) ids.insert(ids.begin(), *(*evaluation)->tokenizer().bos());
        const std::size_t from = ids.size();
        for (const TokenId id : (*evaluation)->tokenizer().encode(choice, SpecialTokens::Plain)) ids.push_back(id);
        const auto values = (*evaluation)->log_likelihoods(ids, from);
        EXPECT_EQ(values.size(), ids.size() - from);
        sums.push_back(std::accumulate(values.begin(), values.end(), 0.0));
    }
    EXPECT_EQ(guess->best, static_cast<std::size_t>(std::ranges::max_element(sums) - sums.begin()));
}

TEST(Evaluations, WhatCannotBeMeasuredIsRefused) {
    EXPECT_FALSE(Evaluation::open(tiny(), {.threads = 1}, 1 << 20));
    auto evaluation = Evaluation::open(tiny(), {.threads = 1}, 64);
    ASSERT_TRUE(evaluation);
    EXPECT_FALSE((*evaluation)->perplexity(some_tokens(63), [](std::int64_t, std::int64_t) {}));
    EXPECT_FALSE((*evaluation)->answer({std::string(500, 'x'), {"a", "b"}, 0}));
    EXPECT_FALSE((*evaluation)->answer({"x", {"", "b"}, 0}));
}

TEST(ModelBenches, StepsTakeTimeAndReadMoreWithMoreSequencesAndContext) {
    auto bench = ModelBench::open(tiny(), {.threads = 1}, {.sequences = 4, .context = 256, .step_tokens = 64});
    ASSERT_TRUE(bench) << core::describe(bench.error());
    EXPECT_GT((*bench)->prompt_seconds(200), 0.0);
    EXPECT_GT((*bench)->decode_seconds(4, 200, 3), 0.0);
    EXPECT_GT((*bench)->decode_bytes(2, 100), (*bench)->decode_bytes(1, 100));
    EXPECT_GT((*bench)->decode_bytes(1, 200), (*bench)->decode_bytes(1, 100));
    EXPECT_GT(read_bandwidth(1), 1e8);
}

}  // namespace
}  // namespace sluice::local_engine
