#include "local_engine/model/weights.hpp"

#include "local_engine/gguf/dequantize.hpp"

#include <initializer_list>
#include <optional>
#include <set>
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

// Takes tensors by name. The first error is kept and everything after it returns nothing, so that the list of a layer's
// tensors reads as one.
class Loader {
public:
    Loader(const gguf::Reader& file, Kernels& kernels, Weights& weights)
        : file_(file), kernels_(kernels), weights_(weights) {}

    // shape: row length, rows, and experts for a stack of matrices
    Matrix matrix(const std::string& name, std::initializer_list<std::int64_t> shape) {
        const gguf::Tensor* tensor = take(name, shape);
        if (tensor == nullptr) return {};
        return kernels_.place(Matrix{.data = tensor->data,
                                     .type = tensor->type,
                                     .rows = tensor->ne[1] * tensor->ne[2],
                                     .cols = tensor->ne[0],
                                     .row_bytes = row_bytes(tensor->type, tensor->ne[0])});
    }

    const float* vector(const std::string& name, std::int64_t size) {
        const gguf::Tensor* tensor = take(name, {size});
        if (tensor == nullptr) return nullptr;
        std::vector<float> values(static_cast<std::size_t>(size));
        dequantize(tensor->type, tensor->data, size, values.data());
        return place(std::move(values));
    }

    const float* place(std::vector<float> values) {
        const std::vector<float>& kept = weights_.vectors.emplace_back(std::move(values));
        const auto size = static_cast<std::int64_t>(kept.size());
        const Matrix placed = kernels_.place(Matrix{reinterpret_cast<const std::byte*>(kept.data()), TensorType::F32, 1,
                                                    size, kept.size() * sizeof(float)});
        return reinterpret_cast<const float*>(placed.data);
    }

    // A tensor that nobody takes means that the model is not what its architecture says: its answers would be wrong.
    void refuse_leftovers() {
        for (const gguf::Tensor& tensor : file_.tensors()) {
            const bool harmless = tensor.name == "rope_freqs.weight" || tensor.name.ends_with("attn_rot_embd");
            if (!harmless && !taken_.contains(tensor.name)) {
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
        if (!error_) error_ = Error{code, std::move(detail), name};
        return nullptr;
    }

    const gguf::Reader& file_;
    Kernels& kernels_;
    Weights& weights_;
    std::set<std::string, std::less<>> taken_;
    std::optional<Error> error_;
};

MoeFfn load_moe(Loader& load, const std::string& block, const MoePlan& plan, std::int64_t width) {
    return MoeFfn{.experts = static_cast<std::int32_t>(plan.experts),
                  .used = static_cast<std::int32_t>(plan.used),
                  .normalise = plan.normalise,
                  .weight_scale = plan.weight_scale,
                  .router = load.matrix(block + "ffn_gate_inp.weight", {width, plan.experts}),
                  .gate = load.matrix(block + "ffn_gate_exps.weight", {width, plan.ffn, plan.experts}),
                  .up = load.matrix(block + "ffn_up_exps.weight", {width, plan.ffn, plan.experts}),
                  .down = load.matrix(block + "ffn_down_exps.weight", {plan.ffn, width, plan.experts}),
                  .ffn = plan.ffn};
}

DenseFfn load_dense(Loader& load, const std::string& block, std::int64_t ffn, std::int64_t width) {
    return DenseFfn{.gate = load.matrix(block + "ffn_gate.weight", {width, ffn}),
                    .up = load.matrix(block + "ffn_up.weight", {width, ffn}),
                    .down = load.matrix(block + "ffn_down.weight", {ffn, width})};
}

LayerWeights load_layer(Loader& load, const std::string& block, const ModelPlan& plan, const Rope& rope) {
    const LayerPlan& layer = plan.layer;
    LayerWeights weights{.attention_norm = load.vector(block + "attn_norm.weight", plan.width),
                         .query = load.matrix(block + "attn_q.weight", {plan.width, layer.query_width()}),
                         .key = load.matrix(block + "attn_k.weight", {plan.width, layer.kv_width()}),
                         .value = load.matrix(block + "attn_v.weight", {plan.width, layer.kv_width()}),
                         .output = load.matrix(block + "attn_output.weight", {layer.query_width(), plan.width}),
                         .ffn_norm = load.vector(block + "ffn_norm.weight", plan.width)};
    weights.attention = Attention{.heads = static_cast<std::int32_t>(layer.heads),
                                  .kv_heads = static_cast<std::int32_t>(layer.kv_heads),
                                  .head_size = static_cast<std::int32_t>(layer.head_size),
                                  .scale = layer.attention_scale,
                                  .norm_epsilon = plan.norm_epsilon,
                                  .rope = rope};
    if (layer.qk_norm) {
        weights.attention.q_norm = load.vector(block + "attn_q_norm.weight", layer.head_size);
        weights.attention.k_norm = load.vector(block + "attn_k_norm.weight", layer.head_size);
    }
    if (layer.moe) {
        weights.ffn = load_moe(load, block, *layer.moe, plan.width);
    } else {
        weights.ffn = load_dense(load, block, layer.ffn, plan.width);
    }
    return weights;
}

}  // namespace

Result<Weights> load_weights(const gguf::Reader& file, const ModelPlan& plan, Kernels& kernels) {
    Weights weights;
    Loader load(file, kernels, weights);
    weights.embedding = load.matrix("token_embd.weight", {plan.width, plan.vocabulary});
    const Rope rope{.kind = plan.rope.pairs,
                    .frequencies = load.place(plan.rope.frequencies),
                    .pairs = static_cast<std::int32_t>(plan.rope.frequencies.size()),
                    .magnitude = plan.rope.magnitude};
    for (std::int64_t i = 0; i < plan.layers && !load.error(); ++i) {
        weights.layers.push_back(load_layer(load, "blk." + std::to_string(i) + ".", plan, rope));
    }
    weights.output_norm = load.vector("output_norm.weight", plan.width);
    const bool tied = file.find("output.weight") == nullptr;
    weights.head = tied ? weights.embedding : load.matrix("output.weight", {plan.width, plan.vocabulary});
    if (!load.error()) load.refuse_leftovers();
    if (load.error()) return *load.error();
    return weights;
}

}  // namespace sluice::local_engine
