// What the bench measures of one model: single operations, whole decoding steps, and prompts. Times are of the host's
// clock round work that was queued back to back, so a kernel shorter than its launch shows the launch. Layers take
// turns: weights come from memory, not from the card's cache, as in a real step.
#pragma once

#include "core/result.hpp"
#include "local_engine/kernels/cuda/device.hpp"
#include "tests/bench/gpu/shapes.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluice::local_engine::bench {

struct Options {
    std::vector<std::int32_t> batches{1, 8, 32, 128};
    std::vector<std::int32_t> contexts{128, 8192, 32'768};
    std::vector<std::int32_t> prompts{512, 2048, 8192};
    std::int32_t step_tokens = 1024;  // of prompts, together
    int repeats = 5;
    double most_seconds = 10.0;  // of one case; a slower one is measured once, a prompt is cut there
};

struct Measured {
    std::string what;  // "decode", "prefill", or an operation: "experts"
    std::int32_t batch = 1;
    std::int32_t context = 0;   // tokens before this step; of a prompt its length
    double microseconds = 0.0;  // of one step, one prompt, or one operation of one layer: the median
    double spread = 0.0;        // (slowest - fastest) / median
    double gigabytes = 0.0;     // that it has to read
    double flops = 0.0;         // multiplications and additions of prompts
    std::uint64_t kernels = 0;  // launched for it
    std::int32_t tokens = 0;    // that came out of it, or went in
    std::string left_out = {};  // why there is no number

    double gb_per_second() const { return microseconds > 0 ? gigabytes / microseconds * 1e6 : 0.0; }
    double tokens_per_second() const { return microseconds > 0 ? tokens / microseconds * 1e6 : 0.0; }
    double tflops() const { return microseconds > 0 ? flops / microseconds * 1e-6 : 0.0; }
};

struct ModelReport {
    std::string model, quant, device;
    std::int64_t layers = 0, whole_layers = 0;
    double parameters = 0, weight_bytes = 0;
    std::int64_t cache_tokens = 0;
    std::vector<Measured> operations, steps;
};

// Errors: the model does not fit at all, or the device failed on the way.
core::Result<ModelReport> measure(std::unique_ptr<cuda::Device> device, const Shape& shape, const Options& options);

}  // namespace sluice::local_engine::bench
