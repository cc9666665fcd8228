// Runs CUDA kernel bodies on the host: every thread of a block is a fiber, blocks run one after the other. Implements
// what local_engine/kernels/cuda/thread.cuh declares.
//
// Fibers that may run are taken in random order, and shared memory is filled with NaN before each block: a kernel that
// lacks a barrier, or reads what nobody wrote, gives wrong results here instead of now and then on a card. What a card
// leaves undefined ends the launch with std::logic_error: a barrier or an exchange that some threads never reach, shared
// memory beyond what was asked for, loads that are not aligned. It cannot see races of single instructions.
#pragma once

#include "local_engine/kernels/cuda/launch.cuh"

#include <cstdint>
#include <functional>
#include <memory>

namespace sluice::local_engine::cuda::emulator {

struct Block;

class Emulator {
public:
    explicit Emulator(std::uint64_t seed);
    ~Emulator();

    // Calls body in every thread of every block. Threads: a multiple of kWarp, at most 1024.
    void run(const Grid& grid, std::int32_t threads, std::size_t shared_bytes, const std::function<void()>& body);
    std::uint64_t switches() const;  // between fibers, since the start

private:
    std::unique_ptr<Block> block_;
};

}  // namespace sluice::local_engine::cuda::emulator
