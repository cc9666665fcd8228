// Ceilings of a card: copying and reading memory far larger than any cache, and products in registers alone. Each number
// is the best of a few runs, by the card's own clock.
#include "tests/bench/gpu/ceilings_kernels.hpp"

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

namespace sluice::local_engine::bench {
namespace {

constexpr int kThreads = 256;
constexpr int kRounds = 4096;  // of independent products in a row
constexpr int kRepeats = 5;

__global__ void copy_memory(uint4* to, const uint4* from, std::size_t count) {
    const std::size_t stride = std::size_t{gridDim.x} * blockDim.x;
    for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += stride) to[i] = from[i];
}

__global__ void read_memory(std::uint32_t* sink, const uint4* from, std::size_t count) {
    const std::size_t stride = std::size_t{gridDim.x} * blockDim.x;
    std::uint32_t sum = 0;
    for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += stride) {
        const uint4 word = from[i];
        sum += word.x ^ word.y ^ word.z ^ word.w;
    }
    if (sum == 0x12345678U) *sink = sum;  // hardly ever; without it nothing would be read
}

// Several sums side by side, as no product may wait for the one before it.
__global__ void multiply_dp4a(std::int32_t* sink, std::int32_t seed) {
    std::int32_t sums[8];
    for (int i = 0; i < 8; ++i) sums[i] = seed + i;
    const std::int32_t a = seed ^ static_cast<std::int32_t>(threadIdx.x), b = a * 3;
    for (int round = 0; round < kRounds; ++round) {
#pragma unroll
        for (int i = 0; i < 8; ++i) sums[i] = __dp4a(a, b, sums[i]);
    }
    std::int32_t all = 0;
    for (int i = 0; i < 8; ++i) all ^= sums[i];
    if (all == 0x12345678) *sink = all;
}

__global__ void multiply_int8(std::int32_t* sink, std::uint32_t seed) {
    std::int32_t c[4][4] = {};
    const std::uint32_t a0 = seed ^ threadIdx.x, a1 = a0 * 3, a2 = a0 * 5, a3 = a0 * 7, b0 = a0 * 11, b1 = a0 * 13;
    for (int round = 0; round < kRounds; ++round) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                         : "+r"(c[i][0]), "+r"(c[i][1]), "+r"(c[i][2]), "+r"(c[i][3])
                         : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
        }
    }
    std::int32_t all = 0;
    for (int i = 0; i < 16; ++i) all ^= c[i / 4][i % 4];
    if (all == 0x12345678) *sink = all;
}

__global__ void multiply_bf16(std::int32_t* sink, std::uint32_t seed) {
    float c[4][4] = {};
    const std::uint32_t a0 = 0x3F803F80U ^ (seed & 15U), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0;
    for (int round = 0; round < kRounds; ++round) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                         : "+f"(c[i][0]), "+f"(c[i][1]), "+f"(c[i][2]), "+f"(c[i][3])
                         : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
        }
    }
    float all = 0.0F;
    for (int i = 0; i < 16; ++i) all += c[i / 4][i % 4];
    if (all == -1.0F) *sink = 1;
}

// Seconds of the fastest of a few runs; the first is not counted.
template <class Work>
double best_seconds(const Work& work) {
    cudaEvent_t start, end;
    cudaEventCreate(&start);
    cudaEventCreate(&end);
    float best = 1e30F;
    for (int i = 0; i <= kRepeats; ++i) {
        cudaEventRecord(start);
        work();
        cudaEventRecord(end);
        cudaEventSynchronize(end);
        float milliseconds = 0.0F;
        cudaEventElapsedTime(&milliseconds, start, end);
        if (i > 0) best = std::min(best, milliseconds);
    }
    cudaEventDestroy(start);
    cudaEventDestroy(end);
    return best * 1e-3;
}

}  // namespace

const char* ceilings_of_card(int card, double* numbers) {
    cudaDeviceProp properties{};
    if (const cudaError_t error = cudaSetDevice(card); error != cudaSuccess) return cudaGetErrorString(error);
    if (const cudaError_t error = cudaGetDeviceProperties(&properties, card); error != cudaSuccess) return cudaGetErrorString(error);
    std::size_t free = 0, total = 0;
    cudaMemGetInfo(&free, &total);
    const std::size_t bytes = std::min<std::size_t>(std::size_t{2} << 30U, free / 4) / sizeof(uint4) * sizeof(uint4);
    uint4 *from = nullptr, *to = nullptr;
    if (cudaMalloc(&from, bytes) != cudaSuccess || cudaMalloc(&to, bytes) != cudaSuccess) {
        cudaFree(from);
        return "no memory for the ceilings";
    }
    cudaMemset(from, 0x5A, bytes);
    const int blocks = properties.multiProcessorCount * 8;
    auto* sink = reinterpret_cast<std::int32_t*>(to);
    const std::size_t count = bytes / sizeof(uint4);
    const double threads = static_cast<double>(blocks) * kThreads;
    const auto moved = static_cast<double>(bytes);
    numbers[0] = 2 * moved / best_seconds([&] { copy_memory<<<blocks, kThreads>>>(to, from, count); }) / 1e9;
    numbers[1] = moved / best_seconds([&] { read_memory<<<blocks, kThreads>>>(reinterpret_cast<std::uint32_t*>(to), from, count); }) / 1e9;
    numbers[2] = threads * kRounds * 8 * 8 / best_seconds([&] { multiply_dp4a<<<blocks, kThreads>>>(sink, 3); }) / 1e12;
    numbers[3] = threads / 32 * kRounds * 4 * 16 * 8 * 32 * 2 / best_seconds([&] { multiply_int8<<<blocks, kThreads>>>(sink, 3); }) / 1e12;
    numbers[4] = threads / 32 * kRounds * 4 * 16 * 8 * 16 * 2 / best_seconds([&] { multiply_bf16<<<blocks, kThreads>>>(sink, 3); }) / 1e12;
    const cudaError_t error = cudaDeviceSynchronize();
    cudaFree(from);
    cudaFree(to);
    return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

}  // namespace sluice::local_engine::bench
