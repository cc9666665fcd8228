// The way to a CUDA card. Every build has these functions; one without nvcc, or on a machine without a driver or card,
// says so in the error.
#pragma once

#include "core/result.hpp"
#include "local_engine/kernels/cuda/device.hpp"
#include "local_engine/kernels/kernels.hpp"

#include <memory>

namespace sluice::local_engine {

namespace cuda {
// Unsupported: this build has no CUDA, or no kernels for the card; Unavailable: no driver, no such card.
core::Result<std::unique_ptr<Device>> open_device(int index);
}  // namespace cuda

core::Result<std::unique_ptr<Kernels>> make_cuda_kernels(Activations activations, int index = 0);

}  // namespace sluice::local_engine
