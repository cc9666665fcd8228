#include "local_engine/model/weights.hpp"

#include "local_engine/gguf/dequantize.hpp"
#include "local_engine/gguf/printable.hpp"

#include <charconv>
#include <initializer_list>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Result;

std::string shape_text(std::initializer_list<std::int64_t> shape) {
    std::string text;
    for (const std::int64_t size : shape) text += (text.empty() ? "" : " x ") + std::to_string(size);
    return text;
}

// Of "blk.12.attn_q.weight" 12; -1 when the name is not of that kind.
std::int64_t layer_of(std::string_view name) {
    constexpr std::string_view kBlock = "blk.";
    if (!name.starts_with(kBlock)) return -1;
    name.remove_prefix(kBlock.size());
    std::int64_t layer = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), layer);
    const bool whole = error == std::errc() && end != name.data() + name.size() && *end == '.';
    return whole && std::to_string(layer).size() == static_cast<std::size_t>(end - name.data()) ? layer : -1;
}

// Takes tensors by name. The first error is kept and everything after it returns nothing, so that the list of a layer's
// tensors reads as one. Without kernels it only checks: nothing is read or kept.
class Loader {
public:
    Loader(const gguf::Reader& file, Kernels* kernels, Weights& weights)
        : file_(file), kernels_(kernels), weights_(weights) {}

    // shape: row length, rows, and experts for a stack of matrices
    Matrix matrix(const std::string& name, std::initializer_list<std::int64_t> shape) {
        const gguf::Tensor* tensor = take(name, shape);
        if (tensor == nullptr || kernels_ == nullptr) return {};
        return kernels_->place(Matrix{.data = tensor->data,
                                     .type = tensor->type,
                                     .rows = tensor->ne[1] * tensor->ne[2],
                                     .cols = tensor->ne[0],
                                     .row_bytes = row_bytes(tensor->type, tensor->ne[0])});
    }

    const float* vector(const std::string& name, std::initializer_list<std::int64_t> shape) {
        const gguf::Tensor* tensor = take(name, shape);
        if (tensor == nullptr || kernels_ == nullptr) return nullptr;
        const std::int64_t size = tensor->ne[0] * tensor->ne[1];
        std::vector<float> values(static_cast<std::size_t>(size));
        dequantize(tensor->type, tensor->data, size, values.data());
        return place(std::move(values));
    }
    // None where the architecture has none, or where the file has none and may.
    const float* bias(const std::string& name, std::int64_t size, LayerPlan::Bias wanted) {
        const bool there = file_.find(name) != nullptr;
        const bool take_it = wanted == LayerPlan::Bias::Required || (wanted == LayerPlan::Bias::IfThere && there);
        return take_it ? vector(name, {size}) : nullptr;
    }

    const float* place(std::vector<float> values) {
        if (kernels_ == nullptr) return nullptr;
        const std::vector<float>& kept = weights_.vectors.emplace_back(std::move(values));
        const auto size = static_cast<std::int64_t>(kept.size());
        const Matrix placed = kernels_->place(Matrix{reinterpret_cast<const std::byte*>(kept.data()), TensorType::F32, 1,
                                                    size, kept.size() * sizeof(float)});
        return reinterpret_cast<const float*>(placed.data);
    }

    // A tensor that nobody takes means that the model is not what its architecture says: its answers would be wrong.
    void refuse_leftovers(const ModelPlan& plan) {
        const auto extra = [&](std::string_view name) {
            const std::int64_t layer = layer_of(name);
            return layer >= std::ssize(plan.layers) && layer < std::ssize(plan.layers) + plan.extra_layers;
        };
        for (const gguf::Tensor& tensor : file_.tensors()) {
            const bool harmless = tensor.name == "rope_freqs.weight" || tensor.name.ends_with("attn_rot_embd");
            if (!harmless && !taken_.contains(tensor.name) && !extra(tensor.name)) {
                fail(Errc::Unsupported, tensor.name, "the architecture has no use for this tensor");
            }
        }
    }

    const std::optional<Error>& error() const { return error_; }

private:
    const gguf::Tensor* take(const std::string& name, std::initializer_list<std::int64_t> shape) {
        const gguf::Tensor* tensor = file_.find(name);
        if (tensor == nullptr) return fail(Errc::Corrupt, name, "the tensor is missing");
        std::array<std::int64_t, 4> wanted{1, 1, 1, 1};
        std::ranges::copy(shape, wanted.begin());
        if (tensor->ne != wanted) return fail(Errc::Corrupt, name, "the shape is not " + shape_text(shape));
        if (!dequantize(tensor->type, tensor->data, 0, nullptr)) {
            return fail(Errc::Unsupported, name, "the type cannot hold weights");
        }
        taken_.insert(name);
        return tensor;
    }

    const gguf::Tensor* fail(Errc code, const std::string& name, std::string detail) {
        if (!error_) error_ = Error{code, std::move(detail), gguf::printable(name)};
        return nullptr;
    }

    const gguf::Reader& file_;
    Kernels* kernels_;
    Weights& weights_;
    std::set<std::string, std::less<>> taken_;
    std::optional<Error> error_;
};

DenseFfn load_dense(Loader& load, const std::string& block, const std::string& suffix, std::int64_t ffn,
                    std::int64_t width, Activation activation) {
    return DenseFfn{.gate = load.matrix(block + "ffn_gate" + suffix, {width, ffn}),
                    .up = load.matrix(block + "ffn_up" + suffix, {width, ffn}),
                    .down = load.matrix(block + "ffn_down" + suffix, {ffn, width}),
                    .activation = activation};
}

Router load_router(Loader& load, const std::string& block, const MoePlan& plan, std::int64_t width) {
    Router router{.weight = load.matrix(block + "ffn_gate_inp.weight", {width, plan.experts}),
                  .gating = plan.gating,
                  .groups = static_cast<std::int32_t>(plan.groups),
                  .groups_used = static_cast<std::int32_t>(plan.groups_used),
                  .normalise = plan.normalise,
                  .scale = plan.weight_scale};
    if (plan.biases) router.bias = load.vector(block + "ffn_gate_inp.bias", {plan.experts});
    if (plan.selection_bias) router.selection_bias = load.vector(block + "exp_probs_b.bias", {plan.experts});
    return router;
}

MoeFfn load_moe(Loader& load, const std::string& block, const MoePlan& plan, std::int64_t width,
                Activation activation) {
    MoeFfn ffn{.experts = static_cast<std::int32_t>(plan.experts),
               .used = static_cast<std::int32_t>(plan.used),
               .router = load_router(load, block, plan, width),
               .gate = load.matrix(block + "ffn_gate_exps.weight", {width, plan.ffn, plan.experts}),
               .up = load.matrix(block + "ffn_up_exps.weight", {width, plan.ffn, plan.experts}),
               .down = load.matrix(block + "ffn_down_exps.weight", {plan.ffn, width, plan.experts}),
               .ffn = plan.ffn,
               .activation = activation,
               .weigh_input = plan.weigh_input};
    if (plan.biases) {
        ffn.gate_bias = load.vector(block + "ffn_gate_exps.bias", {plan.ffn, plan.experts});
        ffn.up_bias = load.vector(block + "ffn_up_exps.bias", {plan.ffn, plan.experts});
        ffn.down_bias = load.vector(block + "ffn_down_exps.bias", {width, plan.experts});
    }
    if (plan.shared_ffn > 0) {
        ffn.shared = load_dense(load, block, "_shexp.weight", plan.shared_ffn, width, activation);
    }
    return ffn;
}

Attention describe_attention(Loader& load, const std::string& block, const ModelPlan& plan, const LayerPlan& layer,
                             std::span<const Rope> ropes) {
    Attention attention = attention_without_weights(plan, layer);
    if (layer.rope >= 0) attention.rope = ropes[static_cast<std::size_t>(layer.rope)];
    if (layer.sinks) attention.sinks = load.vector(block + "attn_sinks.weight", {layer.heads});
    if (layer.qk_norm == LayerPlan::QkNorm::Weighted) {
        attention.q_norm = load.vector(block + "attn_q_norm.weight", {layer.head_size});
        attention.k_norm = load.vector(block + "attn_k_norm.weight", {layer.head_size});
    }
    return attention;
}

void load_grouped_query(Loader& load, LayerWeights& weights, const std::string& block, std::int64_t width,
                        const LayerPlan& layer) {
    weights.query = load.matrix(block + "attn_q.weight", {width, layer.query_width()});
    weights.key = load.matrix(block + "attn_k.weight", {width, layer.kv_width()});
    weights.value = load.matrix(block + "attn_v.weight", {width, layer.kv_width()});
    // IQ4_XS is for models that hardly fit: their small key and value matrices are worth the more exact product.
    weights.key.exact = weights.value.exact = layer.exact_cache || weights.key.type == TensorType::IQ4_XS;
    weights.query_bias = load.bias(block + "attn_q.bias", layer.query_width(), layer.qkv_bias);
    weights.key_bias = load.bias(block + "attn_k.bias", layer.kv_width(), layer.qkv_bias);
    weights.value_bias = load.bias(block + "attn_v.bias", layer.kv_width(), layer.qkv_bias);
}

void load_latent(Loader& load, LayerWeights& weights, const std::string& block, std::int64_t width,
                 const LayerPlan& layer) {
    const LatentPlan& plan = *layer.latent;
    if (plan.query_rank > 0) {
        weights.query_down = load.matrix(block + "attn_q_a.weight", {width, plan.query_rank});
        weights.query_down_norm = load.vector(block + "attn_q_a_norm.weight", {plan.query_rank});
        weights.query = load.matrix(block + "attn_q_b.weight", {plan.query_rank, layer.raw_query_width()});
    } else {
        weights.query = load.matrix(block + "attn_q.weight", {width, layer.raw_query_width()});
    }
    weights.row = load.matrix(block + "attn_kv_a_mqa.weight", {width, plan.latent + plan.rope});
    LatentAttention latent{.nope_size = static_cast<std::int32_t>(plan.nope),
                           .rope_size = static_cast<std::int32_t>(plan.rope),
                           .latent = static_cast<std::int32_t>(plan.latent),
                           .value_size = static_cast<std::int32_t>(plan.value),
                           .latent_norm = load.vector(block + "attn_kv_a_norm.weight", {plan.latent}),
                           .attention = weights.attention};
    latent.attention.value_size = latent.latent;
    if (plan.split) {
        latent.key = load.matrix(block + "attn_k_b.weight", {plan.nope, plan.latent, layer.heads});
        latent.key_stride = plan.latent;
        latent.value = load.matrix(block + "attn_v_b.weight", {plan.latent, plan.value, layer.heads});
        latent.value_stride = plan.value;
    } else {
        latent.keys = LatentAttention::Keys::Rows;
        latent.key = load.matrix(block + "attn_kv_b.weight", {plan.latent, layer.heads * (plan.nope + plan.value)});
        latent.value = latent.key;
        latent.value_first = plan.nope;
        latent.key_stride = latent.value_stride = plan.nope + plan.value;
    }
    weights.row.exact = latent.key.exact = latent.value.exact = layer.exact_cache;
    weights.latent = latent;
}

LayerWeights load_layer(Loader& load, const std::string& block, const ModelPlan& plan, const LayerPlan& layer,
                        std::span<const Rope> ropes) {
    LayerWeights weights{.attention_norm = load.vector(block + "attn_norm.weight", {plan.width})};
    weights.attention = describe_attention(load, block, plan, layer, ropes);
    if (layer.latent) load_latent(load, weights, block, plan.width, layer);
    else load_grouped_query(load, weights, block, plan.width, layer);
    weights.output = load.matrix(block + "attn_output.weight", {layer.result_width(), plan.width});
    if (layer.output_bias) weights.output_bias = load.vector(block + "attn_output.bias", {plan.width});
    weights.ffn_norm = load.vector(block + plan.ffn_norm + ".weight", {plan.width});
    if (layer.post_norms) {
        weights.attention_post_norm = load.vector(block + "post_attention_norm.weight", {plan.width});
        weights.ffn_post_norm = load.vector(block + "post_ffw_norm.weight", {plan.width});
    }
    if (layer.moe) weights.ffn = load_moe(load, block, *layer.moe, plan.width, layer.activation);
    else weights.ffn = load_dense(load, block, ".weight", layer.ffn, plan.width, layer.activation);
    return weights;
}

Result<Weights> take_weights(const gguf::Reader& file, const ModelPlan& plan, Kernels* kernels) {
    Weights weights;
    Loader load(file, kernels, weights);
    weights.embedding = load.matrix("token_embd.weight", {plan.width, plan.vocabulary});
    std::vector<Rope> ropes;
    for (const RopePlan& rope : plan.ropes) {
        ropes.push_back({.kind = rope.pairs,
                         .step = rope.step,
                         .divisors = load.place(rope.divisors),
                         .factors = load.place(rope.factors),
                         .pairs = static_cast<std::int32_t>(rope.factors.size()),
                         .magnitude = rope.magnitude});
    }
    for (std::size_t i = 0; i < plan.layers.size() && !load.error(); ++i) {
        weights.layers.push_back(load_layer(load, "blk." + std::to_string(i) + ".", plan, plan.layers[i], ropes));
    }
    weights.output_norm = load.vector("output_norm.weight", {plan.width});
    const bool tied = file.find("output.weight") == nullptr;
    weights.head = tied ? weights.embedding : load.matrix("output.weight", {plan.width, plan.vocabulary});
    if (!load.error()) load.refuse_leftovers(plan);
    if (load.error()) return *load.error();
    return weights;
}

}  // namespace

Attention attention_without_weights(const ModelPlan& plan, const LayerPlan& layer) {
    return {.heads = static_cast<std::int32_t>(layer.heads),
            .kv_heads = static_cast<std::int32_t>(layer.kv_heads),
            .head_size = static_cast<std::int32_t>(layer.head_size),
            .scale = layer.attention_scale,
            .norm_epsilon = plan.norm_epsilon,
            .norm_after_rotation = layer.qk_norm == LayerPlan::QkNorm::Plain,
            .mask = layer.mask,
            .temperature = layer.temperature,
            .temperature_length = layer.temperature_length};
}

Result<Weights> load_weights(const gguf::Reader& file, const ModelPlan& plan, Kernels& kernels) {
    return take_weights(file, plan, &kernels);
}

Result<void> check_weights(const gguf::Reader& file, const ModelPlan& plan) {
    if (const auto taken = take_weights(file, plan, nullptr); !taken) return taken.error();
    return {};
}

}  // namespace sluice::local_engine
