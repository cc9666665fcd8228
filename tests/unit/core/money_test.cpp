#include <gtest/gtest.h>

#include "core/money.hpp"

namespace sluice::core {

TEST(Money, CostRoundsUpToAWholeNanoDollar) {
    EXPECT_EQ(cost(1, Price{1}).value, 1);
    EXPECT_EQ(cost(1000, Price::per_token(140)).value, 140'000);
    EXPECT_EQ(cost(INT64_MAX, Price{INT64_MAX}), NanoUsd::max());
}

}  // namespace sluice::core
