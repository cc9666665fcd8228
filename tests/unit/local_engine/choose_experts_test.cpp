// Which experts a token goes to and with which weights, worked out by hand.
#include "local_engine/kernels/host_kernels.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace sluice::local_engine {
namespace {

struct Choice {
    std::vector<std::int32_t> ids;
    std::vector<float> weights;
};

Choice choose(const MoeFfn& ffn, const std::vector<float>& logits) {
    Choice choice{std::vector<std::int32_t>(static_cast<std::size_t>(ffn.used)),
                  std::vector<float>(static_cast<std::size_t>(ffn.used))};
    choose_experts(choice.ids.data(), choice.weights.data(), ffn, logits.data());
    return choice;
}

float sigmoid(float x) {
    return 1.0F / (1.0F + std::exp(-x));
}

TEST(ChooseExperts, SoftmaxOverAllIsRenormalisedOverTheChosen) {
    const auto [ids, weights] = choose({.experts = 3, .used = 2}, {std::log(1.0F), std::log(6.0F), std::log(3.0F)});
    EXPECT_EQ(ids, (std::vector<std::int32_t>{1, 2}));
    EXPECT_NEAR(weights[0], 6.0F / 9.0F, 1e-6F);
    EXPECT_NEAR(weights[1], 3.0F / 9.0F, 1e-6F);
}

TEST(ChooseExperts, WithoutNormalisingTheShareOfAllStays) {
    MoeFfn ffn{.experts = 3, .used = 1};
    ffn.router.normalise = false;
    EXPECT_NEAR(choose(ffn, {std::log(1.0F), std::log(6.0F), std::log(3.0F)}).weights[0], 0.6F, 1e-6F);
}

TEST(ChooseExperts, SoftmaxOfTheChosenIgnoresTheOthers) {
    MoeFfn ffn{.experts = 4, .used = 2};
    ffn.router.gating = Router::Gating::SoftmaxOfChosen;
    const auto [ids, weights] = choose(ffn, {-100.0F, std::log(2.0F), std::log(8.0F), std::log(1.9F)});
    EXPECT_EQ(ids, (std::vector<std::int32_t>{2, 1}));
    EXPECT_NEAR(weights[0], 0.8F, 1e-6F);
}

TEST(ChooseExperts, TheSelectionBiasChoosesButDoesNotWeigh) {
    const std::vector<float> bias{0.0F, 0.9F, 0.0F};
    MoeFfn ffn{.experts = 3, .used = 1};
    ffn.router.gating = Router::Gating::Sigmoid;
    ffn.router.normalise = false;
    ffn.router.scale = 2.5F;
    ffn.router.selection_bias = bias.data();
    const auto [ids, weights] = choose(ffn, {2.0F, -1.0F, 1.0F});
    EXPECT_EQ(ids[0], 1);
    EXPECT_NEAR(weights[0], 2.5F * sigmoid(-1.0F), 1e-6F);
}

TEST(ChooseExperts, OnlyTheBestGroupsTakePart) {
    MoeFfn ffn{.experts = 6, .used = 2};
    ffn.router.gating = Router::Gating::Sigmoid;
    ffn.router.groups = 3;
    ffn.router.groups_used = 1;
    // The best single expert is 0, but the pair 2 and 3 scores more than 0 and 1, or 4 and 5.
    EXPECT_EQ(choose(ffn, {3.0F, -9.0F, 1.0F, 1.5F, 0.0F, 0.0F}).ids, (std::vector<std::int32_t>{3, 2}));
}

TEST(ChooseExperts, LlamaFourOrdersByLogitsWhereSigmoidsRoundToOne) {
    MoeFfn ffn{.experts = 3, .used = 1};
    ffn.router.gating = Router::Gating::Sigmoid;
    EXPECT_EQ(choose(ffn, {50.0F, 60.0F, 55.0F}).ids[0], 1);
}

TEST(ChooseExperts, ScoresThatAreNotNumbersStillGiveExperts) {
    MoeFfn ffn{.experts = 4, .used = 4};
    ffn.router.groups = 2;
    ffn.router.groups_used = 2;
    for (const std::int32_t id : choose(ffn, {NAN, NAN, NAN, NAN}).ids) EXPECT_TRUE(id >= 0 && id < 4);
    MoeFfn two{.experts = 4, .used = 2};
    two.router.gating = Router::Gating::SoftmaxOfChosen;
    EXPECT_EQ(choose(two, {NAN, 1.0F, NAN, 2.0F}).ids, (std::vector<std::int32_t>{3, 1}));
}

}  // namespace
}  // namespace sluice::local_engine
