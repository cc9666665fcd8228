// That the emulator finds what a card would leave to chance, and that kernels do not depend on the order of threads.
#include "emulated_device.hpp"
#include "emulator.hpp"
#include "local_engine/kernels/cuda/device_kernels.hpp"
#include "weights.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

namespace sluice::local_engine {
namespace {

using cuda::emulator::Emulator;

// Emulates threads as fibers, which the thread sanitizer takes for one thread with a broken stack.
#if defined(__SANITIZE_THREAD__)
#define SKIP_UNDER_TSAN() GTEST_SKIP() << "fibers cannot run under the thread sanitizer"
#else
#define SKIP_UNDER_TSAN() static_cast<void>(0)
#endif

enum class Barriers { All, None };

// The sum of 0..127 by way of shared memory.
float sum_of_threads(Emulator& emulator, Barriers barriers) {
    float sum = 0.0F;
    emulator.run({1}, 128, 128 * sizeof(float), [&] {
        auto* values = cuda::shared_array<float*>(128 * sizeof(float));
        values[cuda::thread()] = static_cast<float>(cuda::thread());
        if (barriers == Barriers::All) cuda::barrier();
        if (cuda::thread() != 0) return;
        for (int i = 0; i < 128; ++i) sum += values[i];
    });
    return sum;
}

TEST(Emulator, AMissingBarrierIsSeen) {
    SKIP_UNDER_TSAN();
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Emulator emulator(seed);
        EXPECT_EQ(sum_of_threads(emulator, Barriers::All), 127.0F * 64.0F);
        // Thread 0 runs last once in 128 times.
        EXPECT_TRUE(std::isnan(sum_of_threads(emulator, Barriers::None))) << seed;
    }
}

TEST(Emulator, SharedMemoryIsForgottenBetweenBlocks) {
    SKIP_UNDER_TSAN();
    Emulator emulator(3);
    int kept = 0;
    emulator.run({4, 2}, 32, sizeof(float), [&] {
        auto* value = cuda::shared_array<float*>(sizeof(float));
        cuda::warp_barrier();
        if (cuda::thread() != 0) return;
        kept += std::isnan(*value) ? 0 : 1;
        *value = 1.0F;
    });
    EXPECT_EQ(kept, 0);
}

TEST(Emulator, LanesSeeEachOthersValuesAndEachBlockItsPlace) {
    SKIP_UNDER_TSAN();
    Emulator emulator(5);
    int wrong = 0;
    std::int64_t blocks = 0;
    emulator.run({3, 5, 2}, 96, 0, [&] {
        for (int step = 0; step < 10; ++step) {
            const int got = cuda::from_lane(cuda::thread() * 10 + step, (cuda::lane() + 1) % 32);
            const int wanted = (cuda::warp() * 32 + (cuda::lane() + 1) % 32) * 10 + step;
            wrong += got == wanted ? 0 : 1;
        }
        if (cuda::thread() == 0) blocks += 1 + cuda::block_x() + 3 * (cuda::block_y() + 5 * cuda::block_z());
    });
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(blocks, 30 * 31 / 2);
}

TEST(Emulator, WhatACardLeavesUndefinedIsAnError) {
    SKIP_UNDER_TSAN();
    Emulator emulator(7);
    const auto in_half = [](auto what) {
        return [what] {
            if (cuda::thread() % 2 == 0) what();
        };
    };
    EXPECT_THROW(emulator.run({1}, 64, 0, in_half([] { cuda::barrier(); })), std::logic_error);
    EXPECT_THROW(emulator.run({1}, 64, 0, in_half([] { cuda::warp_sum(1.0F); })), std::logic_error);
    EXPECT_THROW(emulator.run({1}, 64, 8, [] { cuda::shared_array<float*>(16)[0] = 1.0F; }), std::logic_error);
    EXPECT_THROW(emulator.run({1}, 64, 8, [] { cuda::shared_array<float*>(8)[2] = 1.0F; }), std::logic_error);
    alignas(4) static const std::byte bytes[8] = {};
    EXPECT_THROW(emulator.run({1}, 32, 0, [] { cuda::load<std::uint32_t>(bytes + 2); }), std::logic_error);
    EXPECT_THROW(emulator.run({1}, 33, 0, [] {}), std::logic_error);
    EXPECT_THROW(emulator.run({1, 70'000}, 32, 0, [] {}), std::logic_error);
    EXPECT_EQ(sum_of_threads(emulator, Barriers::All), 127.0F * 64.0F);  // and it still works
}

// Attention of `heads` heads over `tokens` positions, chunk by chunk in one block, or by many blocks.
struct LongAttention {
    std::vector<float> out;

    LongAttention(std::uint64_t seed, bool side_by_side, const Mask& mask) {
        constexpr std::int32_t kTokens = 3 * cuda::kChunkTokens + 70;
        constexpr std::int32_t kPages = (kTokens + kPageTokens - 1) / kPageTokens;
        auto device = testing::make_emulated_device({.seed = seed});
        std::mt19937 random(4);
        const auto put = [&](const auto& values) {
            std::byte* memory = device->allocate(values.size() * sizeof(values[0]));
            device->upload(memory, values.data(), values.size() * sizeof(values[0]));
            return memory;
        };
        std::vector<std::int32_t> numbers{0, 1, kTokens - 2, kTokens - 1, 0, 0};  // tokens, positions, sequences
        for (std::int32_t page = 0; page < kPages; ++page) numbers.push_back(kPages - 1 - page);
        const auto* start = reinterpret_cast<const std::int32_t*>(put(numbers));
        const std::size_t cached = std::size_t{kPages} * kPageTokens * 2 * 16;
        const Attention attention{.heads = 4, .kv_heads = 2, .head_size = 16, .scale = 0.3F, .mask = mask};
        cuda::Attend op{.batch = {start, start + 2, start + 4, start + 6, kPages, 2},
                        .q = reinterpret_cast<const float*>(put(testing::random_floats(2 * 4 * 16, random))),
                        .out = reinterpret_cast<float*>(device->allocate(2 * 4 * 16 * sizeof(float))),
                        .attention = attention,
                        .cache = {put(testing::random_floats(cached, random)), put(testing::random_floats(cached, random)), KvType::F32}};
        op.chunks = 4;
        if (side_by_side) op.parts = reinterpret_cast<float*>(device->allocate(2 * 4 * 4 * 18 * sizeof(float)));
        device->attend(op);
        device->finish();
        EXPECT_EQ(device->failure(), "");
        out.resize(2 * 4 * 16);
        device->download(out.data(), op.out, out.size() * sizeof(float));
    }
};

TEST(CudaKernels, ChunksOfALongContextGiveTheSameBitsSideBySideAndOneAfterTheOther) {
    SKIP_UNDER_TSAN();
    for (const Mask& mask : {Mask{}, Mask{Mask::Kind::Window, 700}}) {
        const std::vector<float> wanted = LongAttention(1, false, mask).out;
        for (const float value : wanted) EXPECT_TRUE(std::isfinite(value));
        EXPECT_EQ(LongAttention(1, true, mask).out, wanted);
        EXPECT_EQ(LongAttention(99, true, mask).out, wanted) << "in another order of threads";
    }
}

TEST(CudaKernels, LackOfMemoryIsAFailureThatReadingReports) {
    SKIP_UNDER_TSAN();
    cuda::DeviceKernels kernels(testing::make_emulated_device({.memory = 100'000}), Activations::Q8);
    EXPECT_EQ(kernels.own_memory(), 100'000U);
    std::mt19937 random(1);
    const auto small = testing::random_matrix(TensorType::Q8_0, 8, 64, random);
    EXPECT_NE(kernels.place(small.view).data, small.view.data);
    EXPECT_EQ(kernels.failure(), "");
    EXPECT_EQ(kernels.allocate(200'000), nullptr);
    EXPECT_EQ(kernels.failure(), "") << "the caller of allocate() knows";
    const auto large = testing::random_matrix(TensorType::F32, 500, 64, random);
    kernels.place(large.view);
    EXPECT_NE(kernels.failure().find("128000 bytes"), std::string::npos) << kernels.failure();
    const std::vector<std::int32_t> numbers{0};
    kernels.begin({numbers, numbers, numbers, numbers, 1, numbers});
    std::vector<float> out(8);
    EXPECT_THROW(kernels.finish(), std::runtime_error);
    EXPECT_THROW(kernels.read(out, nullptr), std::runtime_error);
}

}  // namespace
}  // namespace sluice::local_engine
