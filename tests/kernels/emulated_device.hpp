// A Device whose kernels run in the emulator. Its memory is apart from the test's, each piece with a guard behind it.
#pragma once

#include "local_engine/kernels/cuda/device.hpp"

#include <cstdint>
#include <memory>

namespace sluice::local_engine::testing {

struct EmulatedOptions {
    std::uint64_t seed = 1;              // of the order of threads
    std::size_t memory = std::size_t{1} << 32U;  // bytes that allocate() gives before it gives null
};

std::unique_ptr<cuda::Device> make_emulated_device(const EmulatedOptions& options = {});

}  // namespace sluice::local_engine::testing
