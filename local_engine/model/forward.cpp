#include "local_engine/model/forward.hpp"

#include <array>

namespace sluice::local_engine {
namespace {

std::size_t layer_page_values(const LayerPlan& layer) {
    return static_cast<std::size_t>(layer.kv_width() * kPageTokens);
}

std::size_t value_bytes(KvType type) {
    return type == KvType::F16 ? 2 : 4;
}

}  // namespace

std::size_t Forward::page_bytes(const ModelPlan& plan, KvType type) {
    return 2 * layer_page_values(plan.layer) * value_bytes(type) * static_cast<std::size_t>(plan.layers);
}

core::Result<std::unique_ptr<Forward>> Forward::create(const ModelPlan& plan, const Weights& weights, Kernels& kernels,
                                                       const ForwardLimits& limits) {
    std::unique_ptr<Forward> forward(new Forward(plan, weights, kernels));
    std::size_t wanted = 0;
    const auto bytes = [&](std::size_t count) {
        std::byte* memory = kernels.allocate(count);
        if (memory == nullptr && wanted == 0) wanted = count;
        return memory;
    };
    const auto floats = [&](std::int64_t rows, std::int64_t width) {
        return reinterpret_cast<float*>(bytes(static_cast<std::size_t>(rows * width) * sizeof(float)));
    };
    const LayerPlan& layer = plan.layer;
    const std::size_t layer_bytes =
        layer_page_values(layer) * value_bytes(limits.kv_type) * static_cast<std::size_t>(limits.pages);
    for (std::int64_t i = 0; i < plan.layers; ++i) {
        forward->cache_.push_back({bytes(layer_bytes), bytes(layer_bytes), limits.kv_type});
    }
    forward->x_ = floats(limits.step_tokens, plan.width);
    forward->normed_ = floats(limits.step_tokens, plan.width);
    forward->q_ = floats(limits.step_tokens, layer.query_width());
    forward->k_ = floats(limits.step_tokens, layer.kv_width());
    forward->v_ = floats(limits.step_tokens, layer.kv_width());
    forward->mixed_ = floats(limits.step_tokens, layer.query_width());
    forward->logits_ = floats(limits.logit_rows, plan.vocabulary);
    if (wanted > 0) return core::Error{core::Errc::Unavailable, "no memory for " + std::to_string(wanted) + " bytes"};
    return forward;
}

void Forward::run(const Batch& batch, std::span<float> logits, std::span<float> hidden) {
    kernels_.begin(batch);
    kernels_.embed(x_, weights_.embedding);
    for (std::size_t i = 0; i < weights_.layers.size(); ++i) {
        const LayerWeights& layer = weights_.layers[i];
        kernels_.rms_norm(normed_, x_, layer.attention_norm, plan_.width, plan_.norm_epsilon);
        kernels_.matmul(std::array{Projection{layer.query, q_}, Projection{layer.key, k_}, Projection{layer.value, v_}},
                        normed_);
        kernels_.rotate_and_store(q_, k_, v_, layer.attention, cache_[i]);
        kernels_.attend(mixed_, q_, layer.attention, cache_[i]);
        kernels_.matmul(std::array{Projection{layer.output, x_, Store::Add}}, mixed_);

        kernels_.rms_norm(normed_, x_, layer.ffn_norm, plan_.width, plan_.norm_epsilon);
        if (const auto* moe = std::get_if<MoeFfn>(&layer.ffn)) kernels_.moe_ffn(x_, *moe, normed_);
        if (const auto* dense = std::get_if<DenseFfn>(&layer.ffn)) kernels_.dense_ffn(x_, *dense, normed_);
    }
    if (!hidden.empty()) {
        kernels_.rms_norm(normed_, x_, weights_.output_norm, plan_.width, plan_.norm_epsilon);
        kernels_.read(hidden, normed_);
    }
    if (!batch.logit_rows.empty()) {
        kernels_.logits(logits_, weights_.head, x_, weights_.output_norm, plan_.norm_epsilon);
        kernels_.read(logits, logits_);
    }
    kernels_.finish();
}

}  // namespace sluice::local_engine
