// The tensors of a model file, each found by name, its shape checked against the plan, and handed to the kernels.
#pragma once

#include "core/result.hpp"
#include "local_engine/gguf/reader.hpp"
#include "local_engine/kernels/kernels.hpp"
#include "local_engine/model/layer_plan.hpp"

#include <deque>
#include <optional>
#include <variant>
#include <vector>

namespace sluice::local_engine {

struct LayerWeights {
    const float* attention_norm = nullptr;  // (width)
    // Grouped-query attention.
    Matrix query = {};                                                              // (query_width, width)
    Matrix key = {}, value = {};                                                    // (kv_width, width)
    const float *query_bias = nullptr, *key_bias = nullptr, *value_bias = nullptr;  // or none
    Attention attention = {};                                                       // norms and rotation of heads
    // Latent attention: `query` is from the compressed query if there is one, else from the layer's input.
    Matrix query_down = {};                  // (query_rank, width), or none
    const float* query_down_norm = nullptr;  // (query_rank)
    Matrix row = {};                         // (latent + rope, width)
    std::optional<LatentAttention> latent = {};

    Matrix output = {};                          // (width, result_width)
    const float* output_bias = nullptr;          // or none
    const float* attention_post_norm = nullptr;  // (width), or none
    const float* ffn_norm = nullptr;             // (width)
    const float* ffn_post_norm = nullptr;        // (width), or none
    std::variant<DenseFfn, MoeFfn> ffn = {};
};

struct Weights {
    Matrix embedding;  // (vocabulary, width)
    std::vector<LayerWeights> layers;
    const float* output_norm = nullptr;  // (width)
    Matrix head;                         // (vocabulary, width); the embedding again when the file has none

    std::deque<std::vector<float>> vectors;  // norms and rope frequencies, expanded
};

// What a plan says of a layer's attention, without norms, sinks and rotation.
Attention attention_without_weights(const ModelPlan& plan, const LayerPlan& layer);

// Weights point into `file` and into themselves: both must outlive their use by the kernels. Errors: Corrupt names a
// tensor that is missing or has another shape, Unsupported one whose type or role is not known (it would be ignored).
core::Result<Weights> load_weights(const gguf::Reader& file, const ModelPlan& plan, Kernels& kernels);

// Only the checks: names, shapes and types, without reading a weight. A plan's numbers come from an untrusted file; what
// has passed here is no larger than the file's tensors, so that memory can be planned with it.
core::Result<void> check_weights(const gguf::Reader& file, const ModelPlan& plan);

}  // namespace sluice::local_engine
