// A Device whose kernels run in the emulator. Its memory is apart from the test's, each piece with a guard behind it.
#pragma once

#include "local_engine/kernels/cuda/device.hpp"

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>

namespace sluice::local_engine::testing {

// What is to go wrong; one for all devices of a test, as one follows the other. Any thread.
struct Faults {
    static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
    std::atomic<std::int64_t> launches{kNever};  // that still go well; the one after them fails, and so does its device
    std::atomic<int> opens{0};                   // that will fail
    std::atomic<int> opened{0};                  // devices so far, failed ones too
};

struct EmulatedOptions {
    std::uint64_t seed = 1;              // of the order of threads
    std::size_t memory = std::size_t{1} << 32U;  // bytes that allocate() gives before it gives null
    std::shared_ptr<Faults> faults = nullptr;
};

std::unique_ptr<cuda::Device> make_emulated_device(const EmulatedOptions& options = {});

}  // namespace sluice::local_engine::testing
