// Fields of a request that reach the sampler, log-probabilities and masks.
#include "local_engine/sampling/log_probabilities.hpp"
#include "local_engine/sampling/sampler.hpp"
#include "local_engine/serving/chat_options.hpp"

#include "core/json.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

namespace sluice::local_engine {
namespace {

using core::Json;

core::Result<ChatOptions> read(const Json& more) {
    Json body{{"model", "m"}, {"messages", Json::array({{{"role", "user"}, {"content", "x"}}})}};
    body.update(more);
    auto request = core::ChatRequest::from_json(std::move(body));
    if (!request) return request.error();
    return read_chat_options(*request, 1000);
}

TEST(SamplingFields, EveryFieldOutsideOfItsLimitsIsRefusedByName) {
    const Json huge = 1e300;
    const std::vector<std::pair<const char*, Json>> wrong{
        {"temperature", -0.1},     {"temperature", 2.1},      {"temperature", "hot"},
        {"top_p", 1.5},            {"top_p", -1},             {"min_p", 1.01},
        {"typical_p", 0},          {"typical_p", 1.2},        {"top_k", -2},
        {"top_k", 1.5},            {"top_k", 1ULL << 63},     {"presence_penalty", 3},
        {"frequency_penalty", -3}, {"repetition_penalty", 0}, {"repetition_penalty", huge},
        {"seed", 1.5},             {"seed", 1ULL << 63},      {"top_logprobs", 21},
        {"top_logprobs", -1},      {"logprobs", 5},           {"n", 0},
        {"n", 1000000000},         {"max_tokens", 0},         {"max_completion_tokens", -5},
        {"ignore_eos", 1},         {"priority", 11},         {"priority", 0.5},         {"logit_bias", 7},         {"stop", Json::array({1})}};
    for (const auto& [field, value] : wrong) {
        const auto options = read({{field, value}});
        ASSERT_FALSE(options) << field << " = " << value.dump();
        EXPECT_EQ(options.error().code, core::Errc::InvalidRequest) << field;
        EXPECT_EQ(options.error().field, field);
    }
}

TEST(SamplingFields, ListsAreBoundedBeforeTheyAreCopied) {
    Json bias = Json::object();
    for (int i = 0; i < 400; ++i) bias[std::to_string(i)] = 1;
    EXPECT_EQ(read({{"logit_bias", bias}}).error().field, "logit_bias");
    EXPECT_EQ(read({{"stop", Json::array({std::string(2000, 's')})}}).error().field, "stop");
    EXPECT_EQ(read({{"logit_bias", {{"1000", 1}}}}).error().field, "logit_bias");  // the vocabulary ends before
    EXPECT_EQ(read({{"logit_bias", {{"5", 101}}}}).error().field, "logit_bias");
}

TEST(SamplingFields, TopLogprobsNeedLogprobs) {
    EXPECT_EQ(read({{"top_logprobs", 3}}).error().field, "top_logprobs");
    const auto options = read({{"logprobs", true}, {"top_logprobs", 3}});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->top_logprobs, 3);
    EXPECT_EQ(read({{"logprobs", true}})->top_logprobs, 0);
    EXPECT_FALSE(read({{"logprobs", false}})->top_logprobs.has_value());
}

TEST(SamplingFields, GoodValuesArriveAsTheyAre) {
    const auto options = read({{"temperature", 0.5}, {"typical_p", 0.9}, {"top_k", 7}, {"seed", -1}, {"ignore_eos", true}});
    ASSERT_TRUE(options);
    EXPECT_FLOAT_EQ(options->sampling.temperature, 0.5F);
    EXPECT_FLOAT_EQ(options->sampling.typical_p, 0.9F);
    EXPECT_EQ(options->sampling.top_k, 7);
    EXPECT_EQ(options->seed, std::numeric_limits<std::uint64_t>::max());
    EXPECT_TRUE(options->ignore_eos);
    EXPECT_EQ(options->priority, 0);
    EXPECT_EQ(read({{"priority", -3}, {"service_tier", "flex"}})->priority, -3);
    EXPECT_EQ(read({{"service_tier", "flex"}})->priority, 1);
    EXPECT_EQ(read({{"service_tier", "priority"}})->priority, -1);
    EXPECT_EQ(read({{"service_tier", "auto"}})->priority, 0);
}

TEST(LogProbability, SumsToOneAndListsTheBestFirst) {
    const std::vector<float> logits{1.0F, 3.0F, 3.0F, -2.0F, std::nanf("")};
    const LogProbabilities probabilities(logits);
    double sum = 0.0;
    for (std::int32_t token = 0; token < 4; ++token) sum += std::exp(static_cast<double>(probabilities.of(token)));
    EXPECT_NEAR(sum, 1.0, 1e-6);
    const auto best = probabilities.best(3);
    ASSERT_EQ(best.size(), 3U);
    EXPECT_EQ(best[0].token, 1);  // a tie goes to the lower id
    EXPECT_EQ(best[1].token, 2);
    EXPECT_EQ(best[2].token, 0);
    EXPECT_EQ(probabilities.best(50).size(), 5U);
    EXPECT_EQ(probabilities.of(99), -INFINITY);
}

TEST(Masks, OnlyAllowedTokensArePickedAtAnyTemperature) {
    TokenMask mask(70);
    mask.allow(3);
    mask.allow(66);
    std::set<std::int32_t> seen;
    for (int i = 0; i < 200; ++i) {
        std::vector<float> logits(80, 1.0F);
        logits[5] = 50.0F;
        Sampler sampler({.temperature = 1.0F, .seed = 9}, {});
        seen.insert(sampler.pick(logits, i, &mask));
    }
    EXPECT_EQ(seen, (std::set<std::int32_t>{3, 66}));
}

TEST(Typical, KeepsTheTokensWhoseSurpriseIsNearTheEntropy) {
    // One likely token and many middling ones: the likely one is the untypical one.
    std::vector<float> row(40, 0.0F);
    row[0] = 2.0F;
    std::set<std::int32_t> seen;
    for (int i = 0; i < 300; ++i) {
        auto logits = row;
        Sampler sampler({.temperature = 1.0F, .typical_p = 0.5F, .seed = 4}, {});
        seen.insert(sampler.pick(logits, i));
    }
    EXPECT_FALSE(seen.contains(0));
    EXPECT_GT(seen.size(), 10U);
    EXPECT_LT(seen.size(), 40U);
}

}  // namespace
}  // namespace sluice::local_engine
