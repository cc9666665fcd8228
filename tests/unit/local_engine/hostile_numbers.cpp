// Metadata numbers that are absurd, contradict each other or the tensors, or have another type.
#include "hostile_files.hpp"

#include <limits>

namespace sluice::local_engine::testing {
namespace {

using test::TinyModel;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// The key, with the architecture in front, gets the value. Refused by the key itself, unless `field` says otherwise.
template <class T>
HostileFile with(const std::string& name, const std::string& kind, const std::string& key, T value,
                 const std::string& field = "") {
    const std::string prefix = kind == "mixtral" ? "llama" : kind == "deepseek2-old" ? "deepseek2" : kind;
    const std::string full = prefix + "." + key;
    return {name, kind, [full, value](TinyModel& model) { model.set(full, value); }, field.empty() ? full : field};
}
HostileFile without(const std::string& name, const std::string& kind, const std::string& key,
                    const std::string& field) {
    return {name, kind, [key](TinyModel& model) { model.erase(key); }, field};
}
// A value of which no harm comes.
template <class T>
HostileFile harmless(const std::string& name, const std::string& kind, const std::string& key, T value) {
    HostileFile file = with(name, kind, key, value);
    file.field.clear();
    return file;
}

}  // namespace

std::vector<HostileFile> hostile_numbers() {
    const auto u = [](std::int64_t value) { return static_cast<std::uint32_t>(value); };
    return {
        with("NoLayers", "llama", "block_count", u(0)),
        with("HugeLayers", "llama", "block_count", u(0xFFFFFFFF)),
        with("OneLayerTooMany", "llama", "block_count", u(3), "blk.2.attn_norm.weight"),
        with("AThousandLayersOfWhichTwoAreThere", "qwen3moe", "block_count", u(1024), "blk.2.attn_norm.weight"),
        with("OneLayerTooFew", "llama", "block_count", u(1), "blk.1.attn_norm.weight"),
        with("LayersAsText", "llama", "block_count", "2"),
        with("LayersAsFloat", "llama", "block_count", 2.0F),
        with("LayersBeyond63Bits", "llama", "block_count", ~std::uint64_t{0}),
        with("NegativeLayers", "llama", "block_count", std::int32_t{-2}),
        without("LayersMissing", "llama", "llama.block_count", "llama.block_count"),
        with("NoWidth", "qwen3", "embedding_length", u(0)),
        with("HugeWidth", "qwen3", "embedding_length", u(1 << 30)),
        with("WidthOfAnotherModel", "qwen3", "embedding_length", u(64), "token_embd.weight"),
        with("NoContext", "llama", "context_length", u(0)),
        with("HugeContext", "llama", "context_length", u(0x7FFFFFFF)),
        harmless("LargestContext", "llama", "context_length", u(1 << 24)),
        harmless("ContextOfOneToken", "llama", "context_length", u(1)),
        without("ContextMissing", "gemma3", "gemma3.context_length", "gemma3.context_length"),
        with("NoHeads", "llama", "attention.head_count", u(0)),
        with("HugeHeads", "llama", "attention.head_count", u(0xFFFFFFFF)),
        with("HeadsThatDivideNothing", "llama", "attention.head_count", u(5), "llama.attention.head_count_kv"),
        with("MoreHeadsThanTheTensors", "qwen3", "attention.head_count", u(4096), "blk.0.attn_q.weight"),
        with("NoKeyHeads", "llama", "attention.head_count_kv", u(0)),
        with("KeyHeadsThatDoNotDivide", "llama", "attention.head_count_kv", u(3)),
        with("MoreKeyHeadsThanHeads", "llama", "attention.head_count_kv", u(8)),
        {"HeadsAsList", "llama",
         [](TinyModel& model) {
             model.set_list("llama.attention.head_count", std::vector<std::uint32_t>{4, 4});
         },
         "llama.attention.head_count"},
        with("NoHeadSize", "qwen3", "attention.key_length", u(0)),
        with("HugeHeadSize", "qwen3", "attention.key_length", u(1 << 20)),
        with("HeadSizeOfAnotherModel", "qwen3", "attention.key_length", u(32), "qwen3.attention.value_length"),
        with("ValuesOfAnotherSize", "qwen3", "attention.value_length", u(8)),
        with("LargestHeads", "gemma3", "attention.key_length", u(1024), "gemma3.attention.value_length"),
        with("NoRotation", "llama", "rope.dimension_count", u(0)),
        with("OddRotation", "qwen3", "rope.dimension_count", u(7)),
        with("RotationBeyondTheHead", "qwen3", "rope.dimension_count", u(18)),
        with("RotationOfAnotherTable", "llama", "rope.dimension_count", u(4), "rope_freqs.weight"),
        harmless("RotationOfAPart", "qwen3", "rope.dimension_count", u(2)),
        with("BaseNotANumber", "llama", "rope.freq_base", kNan),
        with("BaseZero", "llama", "rope.freq_base", 0.0F),
        with("BaseOne", "llama", "rope.freq_base", 1.0F),
        with("BaseInfinite", "llama", "rope.freq_base", std::numeric_limits<float>::infinity()),
        with("BaseNegative", "llama", "rope.freq_base", -1e4F),
        harmless("LargestBase", "llama", "rope.freq_base", 1e12F),
        with("BaseOfWindowsZero", "gemma3", "rope.freq_base_swa", 0.0F),
        with("EpsilonNotANumber", "llama", "attention.layer_norm_rms_epsilon", kNan),
        with("EpsilonNegative", "llama", "attention.layer_norm_rms_epsilon", -1e-5F),
        with("EpsilonHuge", "llama", "attention.layer_norm_rms_epsilon", 1e30F),
        with("EpsilonAsText", "llama", "attention.layer_norm_rms_epsilon", "1e-5"),
        harmless("EpsilonZero", "llama", "attention.layer_norm_rms_epsilon", 0.0F),
        with("NoHiddenWidth", "llama", "feed_forward_length", u(0)),
        with("HugeHiddenWidth", "llama", "feed_forward_length", u(0x7FFFFFFF)),
        with("HiddenWidthOfAnotherModel", "llama", "feed_forward_length", u(64), "blk.0.ffn_gate.weight"),
        harmless("NoDenseWidthBesideExperts", "mixtral", "feed_forward_length", u(0)),
        with("ScalingUnknown", "llama", "rope.scaling.type", "longrope"),
        with("ScalingFactorZero", "deepseek2", "rope.scaling.factor", 0.0F),
        with("ScalingFactorNotANumber", "deepseek2", "rope.scaling.factor", kNan),
        with("ScalingOfNoContext", "deepseek2", "rope.scaling.original_context_length", u(0)),
        with("ScalingTypeAsNumber", "llama", "rope.scaling.type", u(1)),
        with("NoExperts", "qwen3moe", "expert_count", u(0)),
        with("HugeExperts", "qwen3moe", "expert_count", u(0xFFFFFFFF)),
        with("ExpertsOfAnotherModel", "qwen3moe", "expert_count", u(8), "blk.0.ffn_gate_inp.weight"),
        with("ExpertsThatDenseFilesLack", "llama", "expert_count", u(4), "llama.expert_used_count"),
        with("NoExpertsUsed", "qwen3moe", "expert_used_count", u(0)),
        with("MoreExpertsUsedThanThereAre", "qwen3moe", "expert_used_count", u(5)),
        harmless("AllExpertsUsed", "qwen3moe", "expert_used_count", u(4)),
        with("NoExpertWidth", "qwen3moe", "expert_feed_forward_length", u(0)),
        with("HugeExpertWidth", "gpt-oss", "expert_feed_forward_length", u(0x7FFFFFFF)),
        with("GatingUnknown", "deepseek2", "expert_gating_func", u(9)),
        with("GroupsThatDoNotDivide", "deepseek2", "expert_group_count", u(3)),
        with("MoreGroupsThanExperts", "deepseek2", "expert_group_count", u(5)),
        with("GroupsTooFewForTheChoice", "deepseek2", "expert_group_count", u(4), "deepseek2.expert_group_used_count"),
        with("MoreGroupsUsedThanThereAre", "deepseek2", "expert_group_used_count", u(3)),
        with("SharedExpertsWithoutTensors", "deepseek2", "expert_shared_count", u(2), "blk.1.ffn_gate_shexp.weight"),
        with("SharedExpertsElsewhere", "qwen3moe", "expert_shared_count", u(1)),
        with("ExpertScaleNotANumber", "deepseek2", "expert_weights_scale", kNan),
        with("NormAsNumber", "deepseek2", "expert_weights_norm", u(1)),
        with("NoLatent", "deepseek2", "attention.kv_lora_rank", u(0)),
        with("HugeLatent", "deepseek2", "attention.kv_lora_rank", u(0xFFFFFFFF)),
        with("LargestLatent", "deepseek2", "attention.kv_lora_rank", u(1 << 14), "blk.0.attn_kv_a_mqa.weight"),
        with("KeysShorterThanTheirRotation", "deepseek2", "attention.key_length_mla", u(16),
             "deepseek2.rope.dimension_count"),
        with("NoLatentValues", "deepseek2", "attention.value_length_mla", u(0)),
        with("LatentValuesOfAnotherModel", "deepseek2", "attention.value_length_mla", u(64), "blk.0.attn_v_b.weight"),
        with("LatentRotationOdd", "deepseek2-old", "rope.dimension_count", u(15)),
        with("MoreDenseLayersThanLayers", "deepseek2", "leading_dense_block_count", u(3)),
        with("OnlyLayersForPredictingMore", "deepseek2", "nextn_predict_layers", u(2)),
        harmless("ALayerForPredictingMore", "deepseek2-old", "nextn_predict_layers", u(1)),
        with("NoWindow", "gpt-oss", "attention.sliding_window", u(0)),
        with("HugeWindow", "gemma3", "attention.sliding_window", u(0x7FFFFFFF)),
        harmless("WindowOfOneToken", "gpt-oss", "attention.sliding_window", u(1)),
        with("WindowElsewhere", "qwen3", "attention.sliding_window", u(4)),
        with("ExpertsNeverInterleaved", "llama4", "interleave_moe_layer_step", u(0), "blk.1.ffn_gate.weight"),
        with("ExpertsBeyondTheLayers", "llama4", "interleave_moe_layer_step", u(5)),
        with("ExpertsInEveryLayer", "llama4", "interleave_moe_layer_step", u(1), "blk.0.ffn_gate_inp.weight"),
        {"ArchitectureUnknown", "llama", [](TinyModel& model) { model.set("general.architecture", "lla\nma\x1b[2J"); },
         "general.architecture"},
        {"ArchitectureAsNumber", "llama", [](TinyModel& model) { model.set("general.architecture", std::uint32_t{3}); },
         "general.architecture"},
        {"ArchitectureOfAnotherModel", "llama", [](TinyModel& model) { model.set("general.architecture", "gemma3"); },
         "gemma3.block_count"},
        {"SplitWithoutItsParts", "llama", [](TinyModel& model) { model.set("split.count", std::uint16_t{2}); },
         "split.no"},
        {"SplitIntoTooMany", "llama", [](TinyModel& model) { model.set("split.count", std::uint16_t{65535}); },
         "split.count"},
        harmless("PoolingUnknown", "qwen3", "pooling_type", u(77)),
    };
}

}  // namespace sluice::local_engine::testing
