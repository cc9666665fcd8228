#include "local_engine/model/forward.hpp"

#include <algorithm>
#include <array>

namespace sluice::local_engine {
namespace {

std::size_t value_bytes(KvType type) {
    return type == KvType::F16 ? 2 : 4;
}

// Widths of the activations of one token, the largest of any layer.
struct Widths {
    std::int64_t rank = 0, q = 0, k = 0, v = 0, absorbed = 0, mixed = 0, result = 0, branch = 0;

    explicit Widths(const ModelPlan& plan) {
        for (const LayerPlan& layer : plan.layers) {
            rank = std::max(rank, layer.latent ? layer.latent->query_rank : 0);
            q = std::max(q, layer.raw_query_width());
            k = std::max(k, layer.kv_width());
            v = std::max(v, layer.latent ? 0 : layer.kv_width());
            absorbed = std::max(absorbed, layer.latent ? layer.query_width() : 0);
            mixed = std::max(mixed, layer.mixed_width());
            result = std::max(result, layer.latent ? layer.result_width() : 0);
            branch = std::max(branch, layer.post_norms ? plan.width : 0);
        }
    }
    std::int64_t sum() const { return rank + q + k + v + absorbed + mixed + result + branch; }
};

}  // namespace

std::size_t Forward::page_bytes(const ModelPlan& plan, KvType type) {
    std::size_t values = 0;
    for (const LayerPlan& layer : plan.layers) values += static_cast<std::size_t>(layer.cached_width() * kPageTokens);
    return values * value_bytes(type);
}

std::size_t Forward::scratch_bytes(const ModelPlan& plan, const ForwardLimits& limits) {
    const auto rows = static_cast<std::size_t>(limits.step_tokens);
    const auto token = static_cast<std::size_t>(2 * plan.width + Widths(plan).sum());
    const auto logits = static_cast<std::size_t>(limits.logit_rows) * static_cast<std::size_t>(plan.vocabulary);
    return (rows * token + logits) * sizeof(float);
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
    for (const LayerPlan& layer : plan.layers) {
        const std::size_t keys = static_cast<std::size_t>(layer.kv_width() * kPageTokens) *
                                 value_bytes(limits.kv_type) * static_cast<std::size_t>(limits.pages);
        forward->cache_.push_back({bytes(keys), layer.latent ? nullptr : bytes(keys), limits.kv_type});
    }
    const std::int64_t rows = limits.step_tokens;
    const Widths widths(plan);
    forward->x_ = floats(rows, plan.width);
    forward->normed_ = floats(rows, plan.width);
    forward->branch_ = floats(rows, widths.branch);
    forward->rank_ = floats(rows, widths.rank);
    forward->q_ = floats(rows, widths.q);
    forward->k_ = floats(rows, widths.k);
    forward->v_ = floats(rows, widths.v);
    forward->absorbed_ = floats(rows, widths.absorbed);
    forward->mixed_ = floats(rows, widths.mixed);
    forward->result_ = floats(rows, widths.result);
    forward->logits_ = floats(limits.logit_rows, plan.vocabulary);
    if (wanted > 0) return core::Error{core::Errc::Unavailable, "no memory for " + std::to_string(wanted) + " bytes"};
    return forward;
}

void Forward::run(const Batch& batch, std::span<float> logits, std::span<float> hidden) {
    kernels_.begin(batch);
    kernels_.embed(x_, weights_.embedding, plan_.embedding_scale);
    for (std::size_t i = 0; i < weights_.layers.size(); ++i) {
        attention(weights_.layers[i], cache_[i]);
        feed_forward(weights_.layers[i]);
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

// x += output · attention(norm(x))
void Forward::attention(const LayerWeights& layer, const KvLayer& cache) {
    kernels_.rms_norm(normed_, x_, layer.attention_norm, plan_.width, plan_.norm_epsilon);
    const float* mixed = layer.latent ? latent(layer, cache) : grouped_query(layer, cache);
    if (layer.attention_post_norm == nullptr) {
        kernels_.matmul(std::array{Projection{layer.output, x_, Store::Add, layer.output_bias}}, mixed);
        return;
    }
    kernels_.matmul(std::array{Projection{layer.output, branch_, Store::Overwrite, layer.output_bias}}, mixed);
    kernels_.add_rms_norm(x_, branch_, layer.attention_post_norm, plan_.width, plan_.norm_epsilon);
}

const float* Forward::grouped_query(const LayerWeights& layer, const KvLayer& cache) {
    kernels_.matmul(std::array{Projection{layer.query, q_, Store::Overwrite, layer.query_bias},
                               Projection{layer.key, k_, Store::Overwrite, layer.key_bias},
                               Projection{layer.value, v_, Store::Overwrite, layer.value_bias}},
                    normed_);
    kernels_.rotate_and_store(q_, k_, v_, layer.attention, cache);
    kernels_.attend(mixed_, q_, layer.attention, cache);
    return mixed_;
}

const float* Forward::latent(const LayerWeights& layer, const KvLayer& cache) {
    if (layer.query_down) {
        kernels_.matmul(std::array{Projection{layer.query_down, rank_}, Projection{layer.row, k_}}, normed_);
        kernels_.rms_norm(rank_, rank_, layer.query_down_norm, layer.query_down.rows, plan_.norm_epsilon);
        kernels_.matmul(std::array{Projection{layer.query, q_}}, rank_);
    } else {
        kernels_.matmul(std::array{Projection{layer.query, q_}, Projection{layer.row, k_}}, normed_);
    }
    kernels_.absorb_and_store(absorbed_, q_, k_, *layer.latent, cache);
    kernels_.attend(mixed_, absorbed_, layer.latent->attention, cache);
    kernels_.expand_values(result_, mixed_, *layer.latent);
    return result_;
}

// x += ffn(norm(x))
void Forward::feed_forward(const LayerWeights& layer) {
    kernels_.rms_norm(normed_, x_, layer.ffn_norm, plan_.width, plan_.norm_epsilon);
    if (const auto* moe = std::get_if<MoeFfn>(&layer.ffn)) kernels_.moe_ffn(x_, *moe, normed_);
    const auto* dense = std::get_if<DenseFfn>(&layer.ffn);
    if (dense == nullptr) return;
    if (layer.ffn_post_norm == nullptr) return kernels_.dense_ffn(x_, *dense, normed_, Store::Add);
    kernels_.dense_ffn(branch_, *dense, normed_, Store::Overwrite);
    kernels_.add_rms_norm(x_, branch_, layer.ffn_post_norm, plan_.width, plan_.norm_epsilon);
}

}  // namespace sluice::local_engine
