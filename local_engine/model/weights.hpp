// The tensors of a model file, each found by name, its shape checked against the plan, and handed to the kernels.
#pragma once

#include "core/result.hpp"
#include "local_engine/gguf/reader.hpp"
#include "local_engine/kernels/kernels.hpp"
#include "local_engine/model/layer_plan.hpp"

#include <deque>
#include <variant>
#include <vector>

namespace sluice::local_engine {

struct LayerWeights {
    const float* attention_norm = nullptr;  // (width)
    Matrix query;                           // (query_width, width)
    Matrix key, value;                      // (kv_width, width)
    Matrix output;                          // (width, query_width)
    Attention attention = {};               // norms and rotation of the heads
    const float* ffn_norm = nullptr;        // (width)
    std::variant<DenseFfn, MoeFfn> ffn = {};
};

struct Weights {
    Matrix embedding;  // (vocabulary, width)
    std::vector<LayerWeights> layers;
    const float* output_norm = nullptr;  // (width)
    Matrix head;                         // (vocabulary, width); the embedding again when the file has none

    std::deque<std::vector<float>> vectors;  // norms and rope frequencies, expanded
};

// Weights point into `file` and into themselves: both must outlive their use by the kernels. Errors: Corrupt names a
// tensor that is missing or has another shape, Unsupported one whose type or role is not known (it would be ignored).
core::Result<Weights> load_weights(const gguf::Reader& file, const ModelPlan& plan, Kernels& kernels);

}  // namespace sluice::local_engine
