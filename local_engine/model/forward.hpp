// The forward pass: tokens of a batch in, logits of its logit_rows out. Owns the activations and the cache's memory.
#pragma once

#include "core/result.hpp"
#include "local_engine/kernels/kernels.hpp"
#include "local_engine/model/layer_plan.hpp"
#include "local_engine/model/weights.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sluice::local_engine {

struct ForwardLimits {
    std::int32_t step_tokens = 0;  // of one batch
    std::int32_t logit_rows = 0;   // of one batch
    std::int32_t pages = 0;        // of the key/value cache
    KvType kv_type = KvType::F16;
};

class Forward {
public:
    // Takes all its memory at once; Unavailable says how much was missing. All references must outlive it.
    static core::Result<std::unique_ptr<Forward>> create(const ModelPlan& plan, const Weights& weights,
                                                         Kernels& kernels, const ForwardLimits& limits);

    // logits: (batch.logit_rows, plan.vocabulary). hidden, unless empty: (batch.tokens, plan.width), states after the
    // last norm. Engine thread only.
    void run(const Batch& batch, std::span<float> logits, std::span<float> hidden = {});

    static std::size_t page_bytes(const ModelPlan& plan, KvType type);  // of one page in all layers
    // Of everything create() takes besides the cache.
    static std::size_t scratch_bytes(const ModelPlan& plan, const ForwardLimits& limits);

private:
    void attention(const LayerWeights& layer, const KvLayer& cache);
    const float* grouped_query(const LayerWeights& layer, const KvLayer& cache);
    const float* latent(const LayerWeights& layer, const KvLayer& cache);
    void feed_forward(const LayerWeights& layer);

    Forward(const ModelPlan& plan, const Weights& weights, Kernels& kernels)
        : plan_(plan), weights_(weights), kernels_(kernels) {}

    const ModelPlan& plan_;
    const Weights& weights_;
    Kernels& kernels_;
    std::vector<KvLayer> cache_;
    // (step_tokens, ...) unless said otherwise; widths are the largest of any layer
    float* x_ = nullptr;         // (width) the residual stream
    float* normed_ = nullptr;    // (width)
    float* branch_ = nullptr;    // (width) a result that is normed before it is added
    float* rank_ = nullptr;      // (query_rank) compressed queries
    float* q_ = nullptr;         // (raw_query_width)
    float* k_ = nullptr;         // (kv_width) keys, or the compressed row
    float* v_ = nullptr;         // (kv_width)
    float* absorbed_ = nullptr;  // (query_width) queries of latent attention
    float* mixed_ = nullptr;     // (mixed_width) attention's answer
    float* result_ = nullptr;    // (result_width) the same through the value expansion
    float* logits_ = nullptr;    // (logit_rows, vocabulary)
};

}  // namespace sluice::local_engine
