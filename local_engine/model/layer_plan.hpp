// What a model is, read from a file's metadata and checked: the numbers that the forward pass and the kernels trust.
// One row of a table per architecture says how it differs from the common pre-norm transformer block.
#pragma once

#include "core/result.hpp"
#include "local_engine/gguf/reader.hpp"
#include "local_engine/kernels/kernels.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::local_engine {

struct RopePlan {
    Rope::Pairs pairs = Rope::Pairs::Neighbours;
    std::vector<float> frequencies;  // radians per position of each pair, long-context scaling included
    float magnitude = 1.0F;          // of sine and cosine
};

struct MoePlan {
    std::int64_t experts = 0;
    std::int64_t used = 0;
    std::int64_t ffn = 0;  // hidden width of one expert
    bool normalise = true;
    float weight_scale = 1.0F;
};

// All layers of these architectures have the same shape.
struct LayerPlan {
    std::int64_t heads = 0;
    std::int64_t kv_heads = 0;
    std::int64_t head_size = 0;
    float attention_scale = 0.0F;
    bool qk_norm = false;             // RMS norm of each query and key head, before rotation
    std::int64_t ffn = 0;             // hidden width; unused when there are experts
    std::optional<MoePlan> moe = {};  // none: dense

    std::int64_t query_width() const { return heads * head_size; }
    std::int64_t kv_width() const { return kv_heads * head_size; }
};

struct ModelPlan {
    std::string architecture;
    std::string name = {};  // general.name, may be empty
    std::int64_t layers = 0;
    std::int64_t width = 0;
    std::int64_t vocabulary = 0;  // rows of the output head
    std::int64_t context_length = 0;
    float norm_epsilon = 0.0F;
    RopePlan rope = {};
    LayerPlan layer = {};
};

// Errors: Unsupported names an architecture or a feature that is not ours; Corrupt the key that is missing or absurd.
core::Result<ModelPlan> read_plan(const gguf::Reader& file);

}  // namespace sluice::local_engine
