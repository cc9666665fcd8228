#include "golden.hpp"
#include "local_engine/gpu_fit.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::local_engine {
namespace {

constexpr std::uint64_t kGigabyte = 1'000'000'000;

GpuFit fit(std::uint64_t memory, KvType kv_type = KvType::F16) {
    const auto result = fit_gpu(testing::bundled_goldens() / "qwen3-n-Q8_0.gguf", {.memory = memory, .kv_type = kv_type});
    EXPECT_TRUE(result) << core::describe(result.error());
    return *result;
}

TEST(GpuFit, EverythingTogetherFillsTheCardToThePage) {
    const GpuFit found = fit(8 * kGigabyte);
    ASSERT_TRUE(found.fits());
    EXPECT_EQ(found.weights, std::filesystem::file_size(testing::bundled_goldens() / "qwen3-n-Q8_0.gguf"));
    const std::uint64_t used = found.weights + found.scratch + found.reserve + static_cast<std::uint64_t>(found.cache_tokens) * found.token_bytes;
    EXPECT_LE(used, 8 * kGigabyte);
    EXPECT_GT(used + 64 * found.token_bytes, 8 * kGigabyte);
    EXPECT_EQ(found.cache_tokens % 64, 0);
    EXPECT_EQ(found.sequences_of(1000), found.cache_tokens / 1000);
}

TEST(GpuFit, AFloatCacheTakesTwiceAsMuch) {
    EXPECT_EQ(fit(kGigabyte, KvType::F32).token_bytes, 2 * fit(kGigabyte).token_bytes);
}

TEST(GpuFit, ACardTooSmallForTheModelHoldsNoContext) {
    const GpuFit found = fit(100'000);
    EXPECT_FALSE(found.fits());
    EXPECT_EQ(found.cache_tokens, 0);
    EXPECT_EQ(found.sequences_of(1000), 0);
}

TEST(GpuFit, CardsAreFoundByName) {
    EXPECT_TRUE(std::ranges::is_sorted(gpu_cards(), {}, &GpuCard::name));
    ASSERT_NE(find_gpu_card("h200"), nullptr);
    EXPECT_GT(find_gpu_card("h200")->memory, 140 * kGigabyte);
    EXPECT_EQ(find_gpu_card("abacus"), nullptr);
    EXPECT_FALSE(fit_gpu("no/such/file.gguf", {.memory = kGigabyte}));
}

}  // namespace
}  // namespace sluice::local_engine
