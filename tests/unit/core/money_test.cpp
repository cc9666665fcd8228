#include "core/money.hpp"

#include <gtest/gtest.h>

namespace sluice::core {
namespace {

TEST(Money, CostRoundsUpToAWholeNanoDollar) {
    EXPECT_EQ(cost(1, Price{1}).value, 1);
    EXPECT_EQ(cost(1'000'000, Price{1}).value, 1);
    EXPECT_EQ(cost(1'000'001, Price{1}).value, 2);
    EXPECT_EQ(cost(1000, Price::per_token(140)).value, 140'000);
    EXPECT_EQ(cost(3, Price{37'500'000}).value, 113);  // 112.5
}

TEST(Money, NegativeTokensCostNothingAndHugeOnesSaturate) {
    EXPECT_EQ(cost(-5, Price::per_token(10)).value, 0);
    EXPECT_EQ(cost(INT64_MAX, Price{INT64_MAX}), NanoUsd::max());
    EXPECT_EQ(NanoUsd::max() + NanoUsd{1}, NanoUsd::max());
    EXPECT_EQ((NanoUsd{INT64_MIN} - NanoUsd{1}).value, INT64_MIN);
}

TEST(Money, UsdTextIsExact) {
    EXPECT_EQ(parse_usd("12.5")->value, 12'500'000'000);
    EXPECT_EQ(parse_usd("0.000000001")->value, 1);
    EXPECT_EQ(parse_usd("3")->value, 3'000'000'000);
    for (const auto* bad : {"", ".5", "1.", "-1", "+1", "1e3", "1,5", " 1", "0.0000000001", "99999999999", "9999999999.9"})
        EXPECT_FALSE(parse_usd(bad)) << bad;
}

TEST(Money, PricesAreUsdPerMillionTokens) {
    EXPECT_EQ(*parse_price("0.14"), Price::per_token(140));
    EXPECT_EQ(parse_price("0.0375")->nano_per_million, 37'500'000);
}

TEST(Money, FormatsBackToWhatItParsed) {
    for (const auto* text : {"0.00", "12.50", "0.000000001", "1.234567891", "9223372036.854775807"})
        EXPECT_EQ(format_usd(*parse_usd(text)), text);
    EXPECT_EQ(format_usd(NanoUsd{-1'500'000'000}), "-1.50");
    EXPECT_EQ(format_usd(NanoUsd{INT64_MIN}), "-9223372036.854775808");
}

}  // namespace
}  // namespace sluice::core
