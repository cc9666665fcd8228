// The inner loops of every instruction set this machine has: a vector gives the same bits alone and in a group of four.
#include "local_engine/kernels/cpu/simd.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace sluice::local_engine::cpu {
namespace {

constexpr std::int64_t kStride = 300;

std::vector<float> numbers(std::size_t count) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    std::vector<float> out(count);
    for (auto& value : out) value = normal(random);
    return out;
}

class CpuSimd : public ::testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        simd_ = choose_simd(GetParam());
        if (simd_ == nullptr) GTEST_SKIP() << "this machine has no " << GetParam();
    }
    const Simd* simd_ = nullptr;
    const std::vector<float> rows_ = numbers(4 * kStride);
    const std::vector<float> other_ = numbers(kStride + 1);
};

TEST_P(CpuSimd, FourProductsAreThoseOfOneEach) {
    for (std::int64_t count = 1; count <= 290; ++count) {
        float four[4] = {};
        simd_->dot_4(four, other_.data() + 1, rows_.data(), kStride, count);
        for (int k = 0; k < 4; ++k)
            EXPECT_EQ(four[k], simd_->dot(other_.data() + 1, rows_.data() + k * kStride, count)) << count << ", row " << k;
    }
}

TEST_P(CpuSimd, AddingFourIsAddingOneAfterTheOther) {
    const float factors[4] = {0.3F, -1.7F, 2.25F, 1e-3F};
    for (std::int64_t count = 1; count <= 290; ++count) {
        std::vector<float> together = other_;
        std::vector<float> apart = other_;
        simd_->add_4(together.data(), factors, rows_.data(), kStride, count);
        for (int k = 0; k < 4; ++k) simd_->add_scaled(apart.data(), rows_.data() + k * kStride, factors[k], count);
        EXPECT_EQ(together, apart) << count;
    }
}

std::string set_name(const ::testing::TestParamInfo<const char*>& set) {
    std::string name = set.param;
    std::erase(name, '-');
    return name;
}

INSTANTIATE_TEST_SUITE_P(Sets, CpuSimd, ::testing::Values("scalar", "avx2", "avx512-vnni"), set_name);

}  // namespace
}  // namespace sluice::local_engine::cpu
