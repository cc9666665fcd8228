#include "local_engine/model/layer_plan.hpp"

#include "local_engine/gguf/printable.hpp"
#include "local_engine/model/plan_keys.hpp"
#include "local_engine/model/rope_plan.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Result;
using QkNorm = LayerPlan::QkNorm;
using Bias = LayerPlan::Bias;

enum class Ffn { Dense, Moe, ByExpertCount, DenseFirst, Interleaved };
// Which layers see less than everything before them.
enum class Masks { Causal, EvenWindows, FiveOfSixWindows, ThreeOfFourChunks };

struct Architecture {
    std::string_view name;
    Rope::Pairs pairs = Rope::Pairs::Halves;
    QkNorm qk_norm = QkNorm::None;
    Bias qkv_bias = Bias::None;
    Ffn ffn = Ffn::Dense;
    Masks masks = Masks::Causal;
    Activation activation = Activation::Swiglu;
    Router::Gating gating = Router::Gating::Softmax;  // when the file does not say
    bool normalise = true;                            // weights of the chosen experts, when the file does not say
    bool shared_expert = false;
    bool latent = false;
    bool weigh_input = false;
    bool sinks_and_biases = false;
    bool post_norms = false;
    bool scaled_embedding = false;
    bool exact_cache = false;  // models whose scores amplify small errors
    std::string_view ffn_norm = "ffn_norm";
};
constexpr Architecture kArchitectures[] = {
    // Llama 2 and 3, Mistral, Mixtral
    {.name = "llama", .pairs = Rope::Pairs::Neighbours, .qkv_bias = Bias::IfThere, .ffn = Ffn::ByExpertCount},
    {.name = "qwen2", .qkv_bias = Bias::Required},
    {.name = "qwen3", .qk_norm = QkNorm::Weighted},
    {.name = "qwen3moe", .qk_norm = QkNorm::Weighted, .ffn = Ffn::Moe},
    // DeepSeek V2, V3, R1
    {.name = "deepseek2",
     .pairs = Rope::Pairs::Neighbours,
     .ffn = Ffn::DenseFirst,
     .normalise = false,
     .shared_expert = true,
     .latent = true,
     .exact_cache = true},
    {.name = "llama4",
     .pairs = Rope::Pairs::Neighbours,
     .qk_norm = QkNorm::Plain,
     .ffn = Ffn::Interleaved,
     .masks = Masks::ThreeOfFourChunks,
     .gating = Router::Gating::Sigmoid,
     .normalise = false,
     .shared_expert = true,
     .weigh_input = true},
    {.name = "gpt-oss",
     .qkv_bias = Bias::Required,
     .ffn = Ffn::Moe,
     .masks = Masks::EvenWindows,
     .activation = Activation::SwigluClamped,
     .gating = Router::Gating::SoftmaxOfChosen,
     .normalise = false,
     .sinks_and_biases = true,
     .ffn_norm = "post_attention_norm"},
    {.name = "gemma3",
     .qk_norm = QkNorm::Weighted,
     .masks = Masks::FiveOfSixWindows,
     .activation = Activation::Geglu,
     .post_norms = true,
     .scaled_embedding = true,
     .exact_cache = true},
};

Router::Gating read_gating(PlanKeys& keys, const Architecture& row) {
    switch (keys.integer_or("expert_gating_func", 0, 0, 100)) {
        case 0: return row.gating;
        case 1: return Router::Gating::Softmax;
        case 2: return Router::Gating::Sigmoid;
        case 3: return Router::Gating::SoftmaxOfChosen;
        default: keys.fail(Errc::Unsupported, "expert_gating_func", "is not softmax, sigmoid or softmax of the chosen");
    }
    return row.gating;
}

MoePlan read_moe(PlanKeys& keys, const Architecture& row, std::int64_t dense_ffn) {
    MoePlan moe{.experts = keys.integer("expert_count", 1, kMostExperts)};
    moe.used = keys.integer("expert_used_count", 1, std::min<std::int64_t>(moe.experts, kMaxExpertsUsed));
    moe.ffn = row.ffn == Ffn::Interleaved || row.shared_expert
                  ? keys.integer("expert_feed_forward_length", 1, kMostWidth)
                  : keys.integer_or("expert_feed_forward_length", dense_ffn, 1, kMostWidth);
    moe.normalise = keys.boolean_or("expert_weights_norm", row.normalise);
    const double scale = keys.number_or("expert_weights_scale", 1.0, 0.0, 1e4);
    moe.weight_scale = scale == 0.0 ? 1.0F : static_cast<float>(scale);  // 0 stands for unset
    moe.gating = read_gating(keys, row);
    moe.weigh_input = row.weigh_input;
    moe.biases = row.sinks_and_biases;
    const std::int64_t shared = keys.integer_or("expert_shared_count", row.weigh_input ? 1 : 0, 0, 64);
    if (shared > 0 && !row.shared_expert) {
        keys.fail(Errc::Unsupported, "expert_shared_count", "shared experts are not part of this architecture");
    }
    moe.shared_ffn = std::min(shared * moe.ffn, kMostWidth);
    moe.groups = std::max<std::int64_t>(1, keys.integer_or("expert_group_count", 1, 0, moe.experts));
    moe.groups_used = keys.integer_or("expert_group_used_count", moe.groups, 0, moe.groups);
    if (moe.groups_used == 0) moe.groups_used = moe.groups;  // 0 stands for unset
    if (moe.experts % moe.groups != 0) keys.fail(Errc::Corrupt, "expert_group_count", "does not divide expert_count");
    if (moe.groups_used * (moe.experts / moe.groups) < moe.used) {
        keys.fail(Errc::Corrupt, "expert_group_used_count", "leaves fewer experts than a token uses");
    }
    return moe;
}

// Sizes of latent attention. Files with one expansion tensor give those of the heads; files with two, of the cached
// row, and the heads' under other names.
void read_latent(PlanKeys& keys, LayerPlan& layer, const RopeScaling& scaling) {
    LatentPlan latent{.query_rank = keys.integer_or("attention.q_lora_rank", 0, 0, kMostWidth),
                      .latent = keys.integer("attention.kv_lora_rank", 1, 1 << 14)};
    latent.split = keys.file().find("blk.0.attn_kv_b.weight") == nullptr;
    const char* key_length = keys.has("attention.key_length_mla") ? "attention.key_length_mla" : "attention.key_length";
    const char* value_length =
        keys.has("attention.value_length_mla") ? "attention.value_length_mla" : "attention.value_length";
    const std::int64_t key = keys.integer(key_length, 3, kMostHeadSize);
    latent.value = keys.integer(value_length, 1, kMostHeadSize);
    latent.rope = keys.integer("rope.dimension_count", 2, std::max<std::int64_t>(2, key - 1));
    if (latent.rope % 2 != 0) keys.fail(Errc::Corrupt, "rope.dimension_count", "is odd");
    latent.nope = std::max<std::int64_t>(1, key - latent.rope);
    const double magnitude = scaling.type == "yarn"
                                 ? scaling.attention_factor * (1.0 + scaling.log_multiplier * std::log(scaling.factor))
                                 : 1.0;
    layer.kv_heads = 1;
    layer.head_size = latent.latent + latent.rope;
    layer.attention_scale = static_cast<float>(magnitude * magnitude / std::sqrt(static_cast<double>(key)));
    layer.latent = latent;
}

void read_heads(PlanKeys& keys, LayerPlan& layer, std::int64_t width) {
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
}

// What all layers have in common.
LayerPlan read_layer(PlanKeys& keys, const Architecture& row, const ModelPlan& plan, const RopeScaling& scaling) {
    LayerPlan layer{.heads = keys.integer("attention.head_count", 1, kMostHeads),
                    .qk_norm = row.qk_norm,
                    .qkv_bias = row.qkv_bias,
                    .output_bias = row.sinks_and_biases,
                    .exact_cache = row.exact_cache,
                    .sinks = row.sinks_and_biases,
                    .post_norms = row.post_norms,
                    .activation = row.activation};
    if (row.latent) read_latent(keys, layer, scaling);
    else read_heads(keys, layer, plan.width);
    return layer;
}

bool has_experts(PlanKeys& keys, const Architecture& row, std::int64_t index, std::int64_t dense_first,
                 std::int64_t step) {
    switch (row.ffn) {
        case Ffn::Dense: return false;
        case Ffn::Moe: return true;
        case Ffn::ByExpertCount: return keys.integer_or("expert_count", 0, 0, kMostExperts) > 0;
        case Ffn::DenseFirst: return index >= dense_first;
        case Ffn::Interleaved: return step > 0 && (index + 1) % step == 0;
    }
    return false;
}

void read_feed_forward(PlanKeys& keys, const Architecture& row, ModelPlan& plan) {
    const auto count = static_cast<std::int64_t>(plan.layers.size());
    const std::int64_t dense_first =
        row.ffn == Ffn::DenseFirst ? keys.integer_or("leading_dense_block_count", 0, 0, count) : 0;
    const std::int64_t step = row.ffn == Ffn::Interleaved ? keys.integer("interleave_moe_layer_step", 0, count) : 0;
    std::optional<MoePlan> moe;
    for (std::int64_t i = 0; i < count && !keys.error(); ++i) {
        LayerPlan& layer = plan.layers[static_cast<std::size_t>(i)];
        if (!has_experts(keys, row, i, dense_first, step)) {
            layer.ffn = keys.integer("feed_forward_length", 1, kMostWidth);
            continue;
        }
        if (!moe) {
            moe = read_moe(keys, row, keys.integer_or("feed_forward_length", 0, 0, kMostWidth));
            // DeepSeek V3 chooses with a bias of its own; V2 has none.
            moe->selection_bias =
                row.latent && keys.file().find("blk." + std::to_string(i) + ".exp_probs_b.bias") != nullptr;
        }
        layer.moe = moe;
    }
}

// Windows, chunks and the layers that do not rotate.
void read_masks(PlanKeys& keys, const Architecture& row, ModelPlan& plan) {
    constexpr std::int32_t kChunk = 8192;  // llama4: fixed by the architecture, as is the temperature
    const std::int64_t window = row.masks == Masks::EvenWindows || row.masks == Masks::FiveOfSixWindows
                                    ? keys.integer("attention.sliding_window", 1, kMostContext)
                                    : keys.integer_or("attention.sliding_window", 0, 0, kMostContext);
    if (row.masks == Masks::Causal && window > 0 && window < plan.context_length) {
        keys.fail(Errc::Unsupported, "attention.sliding_window", "windows are not part of this architecture");
    }
    // llama4 with a window of 0 in the file has neither chunks nor layers without rotation.
    const bool chunks = row.masks == Masks::ThreeOfFourChunks && !(keys.has("attention.sliding_window") && window == 0);
    for (std::size_t i = 0; i < plan.layers.size(); ++i) {
        LayerPlan& layer = plan.layers[i];
        const Mask windowed{Mask::Kind::Window, static_cast<std::int32_t>(window)};
        if (row.masks == Masks::EvenWindows && i % 2 == 0) layer.mask = windowed;
        if (row.masks == Masks::FiveOfSixWindows && (i + 1) % 6 != 0) {
            layer.mask = windowed;
            layer.rope = 1;
        }
        if (!chunks) continue;
        if ((i + 1) % 4 != 0) {
            layer.mask = {Mask::Kind::Chunk, kChunk};
            continue;
        }
        layer.rope = -1;
        layer.qk_norm = QkNorm::None;
        layer.temperature = 0.1F;
        layer.temperature_length = kChunk;
    }
    // The 128-expert model was trained without this norm.
    if (row.qk_norm == QkNorm::Plain && plan.experts() == 128) {
        for (LayerPlan& layer : plan.layers) layer.qk_norm = QkNorm::None;
    }
}

Result<void> read_ropes(PlanKeys& keys, const Architecture& row, ModelPlan& plan, RopeScaling scaling) {
    const LayerPlan& layer = plan.layers.front();
    const std::int64_t dimensions = layer.latent
                                        ? layer.latent->rope
                                        : keys.integer_or("rope.dimension_count", layer.head_size, 2, layer.head_size);
    const double base = keys.number_or("rope.freq_base", 10000.0, 1.0 + 1e-6, 1e12);
    if (dimensions % 2 != 0) keys.fail(Errc::Corrupt, "rope.dimension_count", "is odd");
    if (keys.error()) return {};
    auto rope = make_rope(keys.file(), row.pairs, dimensions, base, scaling);
    if (!rope) return rope.error();
    if (layer.latent) rope->magnitude = 1.0F;  // it is in the scale of the scores
    plan.ropes.push_back(std::move(*rope));
    if (row.masks != Masks::FiveOfSixWindows) return {};
    const double window_base = keys.number_or("rope.freq_base_swa", 10000.0, 1.0 + 1e-6, 1e12);
    auto in_windows = make_rope(keys.file(), row.pairs, dimensions, window_base, {});
    if (!in_windows) return in_windows.error();
    plan.ropes.push_back(std::move(*in_windows));
    return {};
}

const Architecture* find_architecture(std::string_view name) {
    const auto* row = std::ranges::find(kArchitectures, name, &Architecture::name);
    return row != std::end(kArchitectures) ? row : nullptr;
}

}  // namespace

std::string known_architectures() {
    std::string names;
    for (const Architecture& row : kArchitectures) names += (names.empty() ? "" : ", ") + std::string(row.name);
    return names;
}

std::int64_t ModelPlan::experts() const {
    std::int64_t most = 0;
    for (const LayerPlan& layer : layers) most = std::max(most, layer.moe ? layer.moe->experts : 0);
    return most;
}

std::int64_t ModelPlan::experts_used() const {
    std::int64_t most = 0;
    for (const LayerPlan& layer : layers) most = std::max(most, layer.moe ? layer.moe->used : 0);
    return most;
}

Result<ModelPlan> read_plan(const gguf::Reader& file) {
    const auto named = file.require_string("general.architecture");
    if (!named) return named.error();
    const Architecture* row = find_architecture(*named);
    if (row == nullptr) {
        return Error{Errc::Unsupported,
                     "architecture '" + gguf::printable(*named, 64) + "' is not one of " + known_architectures(),
                     "general.architecture"};
    }
    PlanKeys keys(file, row->name);
    ModelPlan plan{.architecture = std::string(row->name),
                   .name = gguf::printable(file.string("general.name").value_or(""), 128),
                   .ffn_norm = std::string(row->ffn_norm)};
    const std::int64_t blocks = keys.integer("block_count", 1, kMostLayers);
    plan.extra_layers = row->latent ? keys.integer_or("nextn_predict_layers", 0, 0, blocks - 1) : 0;
    plan.width = keys.integer("embedding_length", 1, kMostWidth);
    plan.context_length = keys.integer("context_length", 1, kMostContext);
    plan.norm_epsilon = static_cast<float>(keys.number_or("attention.layer_norm_rms_epsilon", 1e-5, 0.0, 1.0));
    if (row->scaled_embedding) plan.embedding_scale = std::sqrt(static_cast<float>(plan.width));
    const gguf::Tensor* embedding = file.find("token_embd.weight");
    if (embedding == nullptr) return Error{Errc::Corrupt, "the tensor is missing", "token_embd.weight"};
    plan.vocabulary = embedding->ne[1];
    if (plan.vocabulary > kMostVocabulary) return Error{Errc::Corrupt, "has too many rows", "token_embd.weight"};

    const RopeScaling scaling = read_rope_scaling(keys, plan.context_length);
    plan.layers.assign(static_cast<std::size_t>(blocks - plan.extra_layers), read_layer(keys, *row, plan, scaling));
    read_feed_forward(keys, *row, plan);
    read_masks(keys, *row, plan);
    auto ropes = read_ropes(keys, *row, plan, scaling);
    if (keys.error()) return *keys.error();
    if (!ropes) return ropes.error();
    return plan;
}

}  // namespace sluice::local_engine
