#include "local_engine/gguf/half.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sluice::local_engine {
namespace {

double meaning_of_half(int bits) {
    const int exponent = bits >> 10 & 31;
    const int mantissa = bits & 1023;
    const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

TEST(GgufHalf, EveryHalfHasItsIeeeMeaningAndSurvivesTheRoundTrip) {
    for (int bits = 0; bits < 65536; ++bits) {
        const float value = half_to_float(static_cast<std::uint16_t>(bits));
        if ((bits & 0x7C00) == 0x7C00) {
            EXPECT_EQ(std::isnan(value), (bits & 0x3FF) != 0);
            EXPECT_EQ(std::isinf(value), (bits & 0x3FF) == 0);
            continue;
        }
        ASSERT_EQ(static_cast<double>(value), meaning_of_half(bits)) << bits;
        ASSERT_EQ(float_to_half(value), bits);
    }
}

TEST(GgufHalf, FloatsBetweenTwoHalvesRoundToTheNearestAndTiesToEven) {
    for (int bits = 0; bits < 0x7BFF; ++bits) {
        const double low = meaning_of_half(bits);
        const double high = meaning_of_half(bits + 1);
        const auto middle = static_cast<float>((low + high) / 2);  // exact: a float has 13 more bits
        ASSERT_EQ(float_to_half(middle), bits % 2 == 0 ? bits : bits + 1) << bits;
        ASSERT_EQ(float_to_half(std::nextafter(middle, 0.0F)), bits) << bits;
        ASSERT_EQ(float_to_half(std::nextafter(middle, 1e9F)), bits + 1) << bits;
    }
}

TEST(GgufHalf, LargeValuesBecomeInfinityAndNanStaysNan) {
    EXPECT_EQ(float_to_half(65519.996F), 0x7BFF);
    EXPECT_EQ(float_to_half(65520.0F), 0x7C00);
    EXPECT_EQ(float_to_half(-1e30F), 0xFC00);
    EXPECT_EQ(float_to_half(1e-30F), 0);
    EXPECT_TRUE(std::isnan(half_to_float(float_to_half(std::numeric_limits<float>::quiet_NaN()))));
    EXPECT_EQ(bfloat_to_float(0x3FC0), 1.5F);
}

}  // namespace
}  // namespace sluice::local_engine
