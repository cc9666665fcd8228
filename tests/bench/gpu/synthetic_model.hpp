// A model without a file: random weights of a shape's true sizes in the device's memory, with scales that keep products
// near the variance of their inputs, and a cache full of random keys and values. Routers are random too: experts that
// repeat would flatter the card's cache.
#pragma once

#include "core/result.hpp"
#include "local_engine/kernels/cuda/device_kernels.hpp"
#include "local_engine/model/forward.hpp"
#include "local_engine/model/weights.hpp"
#include "tests/bench/gpu/counting_device.hpp"
#include "tests/bench/gpu/shapes.hpp"

#include <memory>

namespace sluice::local_engine::bench {

struct SyntheticModel {
    Shape shape;
    std::int64_t whole_layers = 0;  // of the true model; shape.plan has fewer when memory lacks
    ForwardLimits limits;
    KvLayer cache;  // of one layer more, for single operations
    CountingDevice* device = nullptr;
    std::unique_ptr<cuda::DeviceKernels> kernels;
    Weights weights;
    std::unique_ptr<Forward> forward;
};

// As many pages as `limits` says, fewer when memory lacks; layers are left out only when the weights alone do not fit.
// Unavailable: not even four layers do.
core::Result<std::unique_ptr<SyntheticModel>> make_synthetic(std::unique_ptr<cuda::Device> device, Shape shape,
                                                             ForwardLimits limits);

}  // namespace sluice::local_engine::bench
