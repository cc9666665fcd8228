// The words in which kernels are written: who am I, barriers, exchanges inside a warp, shared memory, 8-bit products.
// nvcc turns them into the hardware's; any other compiler into calls of an emulator (tests/kernels/emulator.cpp), where
// each thread of a block is a fiber. Kernels use nothing of CUDA but what is here, so all of them run without a card.
#pragma once

#include "local_engine/gguf/half.hpp"
#include "local_engine/kernels/cuda/operations.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__CUDACC__)
#include <cuda_fp16.h>
#define SLUICE_KERNEL static __global__
#define SLUICE_DEVICE static __device__ __forceinline__
#define SLUICE_THREADS(most) __launch_bounds__(most, 1)
#define SLUICE_UNROLL _Pragma("unroll")
#define SLUICE_TARGET compiled
#else
#define SLUICE_KERNEL [[maybe_unused]] static
#define SLUICE_DEVICE [[maybe_unused]] static inline
#define SLUICE_THREADS(most)
#define SLUICE_UNROLL
#define SLUICE_TARGET emulated
#endif

namespace sluice::local_engine::cuda {

#if !defined(__CUDACC__)
// Implemented by the emulator. A misuse that would be undefined on a card ends the launch with std::logic_error.
namespace emulator {
struct Position {
    std::int32_t thread = 0, threads = 0;
    std::int32_t block[3] = {}, grid[3] = {};
};
extern thread_local Position position;  // of the fiber that runs
void wait_for_block();
std::uint64_t exchange(std::uint64_t value, std::int32_t lane);  // the value that this lane of the warp gave
std::byte* shared_memory(std::size_t bytes);                     // filled with NaN before each block
void require_alignment(const void* address, std::size_t bytes);
}  // namespace emulator
#endif

inline namespace SLUICE_TARGET {

#if defined(__CUDACC__)

SLUICE_DEVICE std::int32_t thread() { return static_cast<std::int32_t>(threadIdx.x); }
SLUICE_DEVICE std::int32_t threads() { return static_cast<std::int32_t>(blockDim.x); }
SLUICE_DEVICE std::int64_t block_x() { return blockIdx.x; }
SLUICE_DEVICE std::int64_t block_y() { return blockIdx.y; }
SLUICE_DEVICE std::int64_t block_z() { return blockIdx.z; }
SLUICE_DEVICE std::int64_t grid_x() { return gridDim.x; }
SLUICE_DEVICE std::int64_t grid_y() { return gridDim.y; }
SLUICE_DEVICE void barrier() { __syncthreads(); }
SLUICE_DEVICE void warp_barrier() { __syncwarp(); }
template <class Value>
SLUICE_DEVICE Value from_lane(Value value, std::int32_t lane) { return __shfl_sync(0xFFFFFFFFU, value, lane); }
template <class Value>
SLUICE_DEVICE Value shared_array(std::size_t) {
    extern __shared__ __align__(16) unsigned char memory[];
    return reinterpret_cast<Value>(memory);
}
SLUICE_DEVICE std::int32_t dot4(std::int32_t a, std::int32_t b, std::int32_t sum) { return __dp4a(a, b, sum); }
SLUICE_DEVICE float half_value(std::uint16_t bits) { return __half2float(__ushort_as_half(bits)); }
SLUICE_DEVICE std::uint16_t half_bits(float value) { return __half_as_ushort(__float2half_rn(value)); }
template <class Word>
SLUICE_DEVICE Word load(const void* address) { return *static_cast<const Word*>(address); }

#else

SLUICE_DEVICE std::int32_t thread() { return emulator::position.thread; }
SLUICE_DEVICE std::int32_t threads() { return emulator::position.threads; }
SLUICE_DEVICE std::int64_t block_x() { return emulator::position.block[0]; }
SLUICE_DEVICE std::int64_t block_y() { return emulator::position.block[1]; }
SLUICE_DEVICE std::int64_t block_z() { return emulator::position.block[2]; }
SLUICE_DEVICE std::int64_t grid_x() { return emulator::position.grid[0]; }
SLUICE_DEVICE std::int64_t grid_y() { return emulator::position.grid[1]; }
SLUICE_DEVICE void barrier() { emulator::wait_for_block(); }
SLUICE_DEVICE void warp_barrier() { emulator::exchange(0, 0); }
template <class Value>
SLUICE_DEVICE Value from_lane(Value value, std::int32_t lane) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(value));
    bits = emulator::exchange(bits, lane);
    std::memcpy(&value, &bits, sizeof(value));
    return value;
}
template <class Value>
SLUICE_DEVICE Value shared_array(std::size_t bytes) {
    return reinterpret_cast<Value>(emulator::shared_memory(bytes));
}
SLUICE_DEVICE std::int32_t dot4(std::int32_t a, std::int32_t b, std::int32_t sum) {
    for (int i = 0; i < 32; i += 8) {
        sum += static_cast<std::int8_t>(a >> i) * static_cast<std::int8_t>(b >> i);
    }
    return sum;
}
SLUICE_DEVICE float half_value(std::uint16_t bits) { return half_to_float(bits); }
SLUICE_DEVICE std::uint16_t half_bits(float value) { return float_to_half(value); }
template <class Word>
SLUICE_DEVICE Word load(const void* address) {
    emulator::require_alignment(address, sizeof(Word));
    Word word;
    std::memcpy(&word, address, sizeof(word));
    return word;
}

#endif

SLUICE_DEVICE std::int32_t lane() { return thread() % kWarp; }
SLUICE_DEVICE std::int32_t warp() { return thread() / kWarp; }
SLUICE_DEVICE std::int32_t warps() { return threads() / kWarp; }

// Every lane of the warp calls these together; all get the result. The order of the sum does not depend on the lane.
SLUICE_DEVICE float warp_sum(float value) {
    SLUICE_UNROLL
    for (std::int32_t step = kWarp / 2; step > 0; step /= 2) value += from_lane(value, lane() ^ step);
    return value;
}
SLUICE_DEVICE float warp_max(float value) {
    SLUICE_UNROLL
    for (std::int32_t step = kWarp / 2; step > 0; step /= 2) value = fmaxf(value, from_lane(value, lane() ^ step));
    return value;
}

}  // namespace SLUICE_TARGET
}  // namespace sluice::local_engine::cuda
