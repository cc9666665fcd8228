#include "local_engine/model/layer_plan.hpp"

#include "local_engine/gguf/dequantize.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Result;

enum class Ffn { Dense, Moe, ByExpertCount };

struct Architecture {
    std::string_view name;
    Rope::Pairs pairs;
    bool qk_norm;
    Ffn ffn;
};
constexpr Architecture kArchitectures[] = {
    {"llama", Rope::Pairs::Neighbours, false, Ffn::ByExpertCount},  // Llama 2 and 3, Mistral, Mixtral
    {"qwen3", Rope::Pairs::Halves, true, Ffn::Dense},
    {"qwen3moe", Rope::Pairs::Halves, true, Ffn::Moe},
};

// Far above any real model, far below where products of two could overflow.
constexpr std::int64_t kMostLayers = 1024;
constexpr std::int64_t kMostWidth = 1 << 20;
constexpr std::int64_t kMostHeads = 4096;
constexpr std::int64_t kMostHeadSize = 1024;
constexpr std::int64_t kMostExperts = 4096;
constexpr std::int64_t kMostVocabulary = 1 << 24;
constexpr std::int64_t kMostContext = 1 << 24;

// Keys under the architecture's prefix. The first wrong one is kept, so that a plan reads like a list.
class Keys {
public:
    Keys(const gguf::Reader& file, std::string_view prefix) : file_(file), prefix_(prefix) {}

    std::int64_t integer(std::string_view key, std::int64_t least, std::int64_t most) {
        return keep(file_.require_integer(name(key), least, most), least);
    }
    std::int64_t integer_or(std::string_view key, std::int64_t absent, std::int64_t least, std::int64_t most) {
        return keep(file_.integer_or(name(key), absent, least, most), least);
    }
    double number_or(std::string_view key, double absent, double least, double most) {
        const double value = keep(file_.number_or(name(key), absent), least);
        if (!(value >= least && value <= most)) fail(Errc::Corrupt, key, "out of range");
        return std::clamp(value, least, most);
    }
    bool boolean_or(std::string_view key, bool absent) { return keep(file_.boolean_or(name(key), absent), absent); }
    std::string_view string_or(std::string_view key, std::string_view absent) const {
        return file_.string(name(key)).value_or(absent);
    }
    bool has(std::string_view key) const { return file_.has(name(key)); }

    void fail(Errc code, std::string_view key, std::string detail) {
        if (!error_) error_ = Error{code, std::move(detail), name(key)};
    }
    const std::optional<Error>& error() const { return error_; }

private:
    std::string name(std::string_view key) const { return prefix_ + "." + std::string(key); }
    template <class T>
    T keep(Result<T> value, T otherwise) {
        if (value) return *value;
        if (!error_) error_ = value.error();
        return otherwise;
    }

    const gguf::Reader& file_;
    std::string prefix_;
    std::optional<Error> error_;
};

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

struct RopeScaling {
    std::string_view type;  // "none", "linear", "yarn"
    double factor = 1.0;
    double original_context = 1.0;
    double attention_factor = 1.0;
};

// YaRN (Peng et al. 2023) as the published implementation computes it: pairs that turn fast within the original context
// keep their frequency, slow ones are stretched by the factor, a ramp between.
void stretch(RopePlan& rope, const RopeScaling& scaling, double base, double dimensions) {
    const auto pair_of_turns = [&](double turns) {
        return dimensions * std::log(scaling.original_context / (turns * 2.0 * std::numbers::pi)) /
               (2.0 * std::log(base));
    };
    const double low = std::max(0.0, std::floor(pair_of_turns(32.0)));
    const double high = std::min(dimensions - 1.0, std::ceil(pair_of_turns(1.0)));
    for (std::size_t i = 0; i < rope.frequencies.size(); ++i) {
        const double kept = 1.0 - std::clamp((static_cast<double>(i) - low) / std::max(0.001, high - low), 0.0, 1.0);
        const double share = scaling.type == "yarn" ? kept : 0.0;
        const auto frequency = static_cast<double>(rope.frequencies[i]);
        rope.frequencies[i] = static_cast<float>(frequency / scaling.factor * (1.0 - share) + frequency * share);
    }
    if (scaling.type == "yarn") {
        rope.magnitude = static_cast<float>(scaling.attention_factor * (1.0 + 0.1 * std::log(scaling.factor)));
    }
}

Result<RopePlan> read_rope(const gguf::Reader& file, Keys& keys, const Architecture& architecture,
                           const ModelPlan& plan) {
    const std::int64_t dimensions =
        keys.integer_or("rope.dimension_count", plan.layer.head_size, 2, plan.layer.head_size);
    const double base = keys.number_or("rope.freq_base", 10000.0, 1.0 + 1e-6, 1e12);
    const RopeScaling scaling{
        .type = keys.string_or("rope.scaling.type", keys.has("rope.scaling.factor") ? "linear" : "none"),
        .factor = keys.number_or("rope.scaling.factor", 1.0, 1e-3, 1e6),
        .original_context =
            keys.number_or("rope.scaling.original_context_length", static_cast<double>(plan.context_length), 1.0, 1e9),
        .attention_factor = keys.number_or("rope.scaling.attn_factor", 1.0, 1e-3, 1e3)};
    if (dimensions % 2 != 0) keys.fail(Errc::Corrupt, "rope.dimension_count", "is odd");
    if (scaling.type != "none" && scaling.type != "linear" && scaling.type != "yarn") {
        keys.fail(Errc::Unsupported, "rope.scaling.type", "is not one of none, linear, yarn");
    }
    const auto pairs = static_cast<std::size_t>(dimensions / 2);
    const auto divisors = rope_divisors(file, pairs);
    if (!divisors) return divisors.error();
    RopePlan rope{.pairs = architecture.pairs, .frequencies = std::vector<float>(pairs)};
    for (std::size_t i = 0; i < pairs; ++i) {
        const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(dimensions);
        rope.frequencies[i] = static_cast<float>(std::pow(base, exponent) / static_cast<double>((*divisors)[i]));
    }
    if (scaling.type != "none") stretch(rope, scaling, base, static_cast<double>(dimensions));
    return rope;
}

MoePlan read_moe(Keys& keys, std::int64_t dense_ffn) {
    MoePlan moe{.experts = keys.integer("expert_count", 1, kMostExperts)};
    moe.used = keys.integer("expert_used_count", 1, std::min<std::int64_t>(moe.experts, kMaxExpertsUsed));
    moe.ffn = keys.integer_or("expert_feed_forward_length", dense_ffn, 1, kMostWidth);
    moe.normalise = keys.boolean_or("expert_weights_norm", true);
    const double scale = keys.number_or("expert_weights_scale", 1.0, 0.0, 1e4);
    moe.weight_scale = scale == 0.0 ? 1.0F : static_cast<float>(scale);  // 0 stands for unset
    const std::int64_t gating = keys.integer_or("expert_gating_func", 1, 0, 100);
    if (gating > 1) keys.fail(Errc::Unsupported, "expert_gating_func", "is not softmax");
    if (keys.integer_or("expert_shared_count", 0, 0, kMostExperts) > 0) {
        keys.fail(Errc::Unsupported, "expert_shared_count", "shared experts are not supported");
    }
    return moe;
}

LayerPlan read_layer(Keys& keys, const Architecture& architecture, std::int64_t width) {
    LayerPlan layer{.heads = keys.integer("attention.head_count", 1, kMostHeads), .qk_norm = architecture.qk_norm};
    layer.kv_heads = keys.integer_or("attention.head_count_kv", layer.heads, 1, layer.heads);
    if (layer.heads % layer.kv_heads != 0)
        keys.fail(Errc::Corrupt, "attention.head_count_kv", "does not divide head_count");
    layer.head_size =
        keys.integer_or("attention.key_length", std::max<std::int64_t>(1, width / layer.heads), 1, kMostHeadSize);
    if (keys.integer_or("attention.value_length", layer.head_size, 1, kMostHeadSize) != layer.head_size) {
        keys.fail(Errc::Unsupported, "attention.value_length", "differs from the key length");
    }
    const double usual = 1.0 / std::sqrt(static_cast<double>(layer.head_size));
    const double scale = keys.number_or("attention.scale", 0.0, 0.0, 1e3);
    layer.attention_scale = static_cast<float>(scale > 0.0 ? scale : usual);
    const bool experts = architecture.ffn == Ffn::Moe || (architecture.ffn == Ffn::ByExpertCount &&
                                                          keys.integer_or("expert_count", 0, 0, kMostExperts) > 0);
    layer.ffn = experts ? keys.integer_or("feed_forward_length", 0, 0, kMostWidth)
                        : keys.integer("feed_forward_length", 1, kMostWidth);
    if (experts) layer.moe = read_moe(keys, layer.ffn);
    return layer;
}

std::string known_architectures() {
    std::string names;
    for (const Architecture& row : kArchitectures) names += (names.empty() ? "" : ", ") + std::string(row.name);
    return names;
}

}  // namespace

Result<ModelPlan> read_plan(const gguf::Reader& file) {
    const auto named = file.require_string("general.architecture");
    if (!named) return named.error();
    const auto* row = std::ranges::find(kArchitectures, *named, &Architecture::name);
    if (row == std::end(kArchitectures)) {
        return Error{Errc::Unsupported,
                     "architecture '" + std::string(named->substr(0, 64)) + "' is not one of " + known_architectures(),
                     "general.architecture"};
    }
    Keys keys(file, row->name);
    ModelPlan plan{.architecture = std::string(row->name),
                   .name = std::string(file.string("general.name").value_or(""))};
    plan.layers = keys.integer("block_count", 1, kMostLayers);
    plan.width = keys.integer("embedding_length", 1, kMostWidth);
    plan.context_length = keys.integer("context_length", 1, kMostContext);
    plan.norm_epsilon = static_cast<float>(keys.number_or("attention.layer_norm_rms_epsilon", 1e-5, 0.0, 1.0));
    plan.layer = read_layer(keys, *row, plan.width);
    const gguf::Tensor* embedding = file.find("token_embd.weight");
    if (embedding == nullptr) return Error{Errc::Corrupt, "the tensor is missing", "token_embd.weight"};
    plan.vocabulary = embedding->ne[1];
    if (plan.vocabulary > kMostVocabulary) return Error{Errc::Corrupt, "has too many rows", "token_embd.weight"};
    const std::int64_t window = keys.integer_or("attention.sliding_window", 0, 0, kMostContext);
    if (window > 0 && window < plan.context_length) {
        keys.fail(Errc::Unsupported, "attention.sliding_window", "sliding windows are not supported");
    }
    auto rope = read_rope(file, keys, *row, plan);
    if (keys.error()) return *keys.error();
    if (!rope) return rope.error();
    plan.rope = std::move(*rope);
    return plan;
}

}  // namespace sluice::local_engine
