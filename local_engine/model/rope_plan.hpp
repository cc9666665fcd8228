// Frequencies of the rotary embedding: base, divisors baked into Llama 3 files, linear and YaRN scaling.
#pragma once

#include "local_engine/model/layer_plan.hpp"
#include "local_engine/model/plan_keys.hpp"

namespace sluice::local_engine {

struct RopeScaling {
    std::string_view type = "none";  // "linear", "yarn"
    double factor = 1.0;
    double original_context = 1.0;
    double attention_factor = 1.0;
    double log_multiplier = 0.0;  // DeepSeek: how much of the YaRN magnitude goes into the scores
};

RopeScaling read_rope_scaling(PlanKeys& keys, std::int64_t context_length);

// dimensions: values of a head that turn, even. Corrupt names rope_freqs.weight.
core::Result<RopePlan> make_rope(const gguf::Reader& file, Rope::Pairs pairs, std::int64_t dimensions, double base,
                                 const RopeScaling& scaling);

}  // namespace sluice::local_engine
