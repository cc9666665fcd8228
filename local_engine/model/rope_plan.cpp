#include "local_engine/model/rope_plan.hpp"

#include "local_engine/gguf/dequantize.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Result;

// Per-pair divisors baked into Llama 3 files, or ones.
Result<std::vector<float>> rope_divisors(const gguf::Reader& file, std::size_t pairs) {
    std::vector<float> divisors(pairs, 1.0F);
    const gguf::Tensor* tensor = file.find("rope_freqs.weight");
    if (tensor == nullptr) return divisors;
    const bool fits =
        tensor->type == TensorType::F32 && tensor->n_dims == 1 && tensor->ne[0] == static_cast<std::int64_t>(pairs);
    if (!fits) return Error{Errc::Corrupt, "must be " + std::to_string(pairs) + " floats", "rope_freqs.weight"};
    dequantize(tensor->type, tensor->data, tensor->ne[0], divisors.data());
    const bool sane = std::ranges::all_of(divisors, [](float value) { return std::isfinite(value) && value > 0.0F; });
    if (!sane) return Error{Errc::Corrupt, "holds a divisor that is not positive", "rope_freqs.weight"};
    return divisors;
}

// YaRN (Peng et al. 2023) as the published implementation computes it: pairs that turn fast within the original context
// keep their frequency, slow ones are stretched by the factor, a ramp between.
void stretch(RopePlan& rope, const RopeScaling& scaling, double base, double dimensions) {
    const auto pair_of_turns = [&](double turns) {
        return dimensions * std::log(scaling.original_context / (turns * 2.0 * std::numbers::pi)) /
               (2.0 * std::log(base));
    };
    const double low = std::max(0.0, std::floor(pair_of_turns(32.0)));
    const double high = std::min(dimensions - 1.0, std::ceil(pair_of_turns(1.0)));
    for (std::size_t i = 0; i < rope.factors.size(); ++i) {
        const double kept = 1.0 - std::clamp((static_cast<double>(i) - low) / std::max(0.001, high - low), 0.0, 1.0);
        const double share = scaling.type == "yarn" ? kept : 0.0;
        rope.factors[i] = static_cast<float>(1.0 / scaling.factor * (1.0 - share) + share);
    }
    if (scaling.type == "yarn") {
        rope.magnitude = static_cast<float>(scaling.attention_factor * (1.0 + 0.1 * std::log(scaling.factor)));
    }
}

}  // namespace

RopeScaling read_rope_scaling(PlanKeys& keys, std::int64_t context_length) {
    const RopeScaling scaling{
        .type = keys.string_or("rope.scaling.type", keys.has("rope.scaling.factor") ? "linear" : "none"),
        .factor = keys.number_or("rope.scaling.factor", 1.0, 1e-3, 1e6),
        .original_context =
            keys.number_or("rope.scaling.original_context_length", static_cast<double>(context_length), 1.0, 1e9),
        .attention_factor = keys.number_or("rope.scaling.attn_factor", 1.0, 1e-3, 1e3),
        .log_multiplier = keys.number_or("rope.scaling.yarn_log_multiplier", 0.0, 0.0, 10.0)};
    if (scaling.type != "none" && scaling.type != "linear" && scaling.type != "yarn") {
        keys.fail(Errc::Unsupported, "rope.scaling.type", "is not one of none, linear, yarn");
    }
    return scaling;
}

Result<RopePlan> make_rope(const gguf::Reader& file, Rope::Pairs kind, std::int64_t dimensions, double base,
                           const RopeScaling& scaling) {
    const auto pairs = static_cast<std::size_t>(dimensions / 2);
    const auto divisors = rope_divisors(file, pairs);
    if (!divisors) return divisors.error();
    RopePlan rope{.pairs = kind,
                  .step = std::pow(static_cast<float>(base), -2.0F / static_cast<float>(dimensions)),
                  .divisors = *divisors,
                  .factors = std::vector<float>(pairs, 1.0F)};
    if (scaling.type != "none") stretch(rope, scaling, base, static_cast<double>(dimensions));
    return rope;
}

}  // namespace sluice::local_engine
