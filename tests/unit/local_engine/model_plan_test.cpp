// Files that are not what they claim: every complaint names the key or the tensor.
#include "golden.hpp"
#include "local_engine/model/layer_plan.hpp"
#include "local_engine/model/memory_plan.hpp"
#include "local_engine/model/weights.hpp"
#include "tests/support/read_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>

namespace sluice::local_engine {
namespace {

std::string model_bytes(const std::string& name) {
    return test::read_file(testing::bundled_goldens() / (name + ".gguf"));
}

// The error of loading these bytes as a file; its field, or "fine".
std::string complaint_about(const std::string& bytes) {
    const auto file = gguf::Reader::from_bytes(std::as_bytes(std::span(bytes)));
    if (!file) return "reader: " + file.error().field;
    const auto plan = read_plan(**file);
    if (!plan) return plan.error().field;
    const auto kernels = make_reference_kernels();
    const auto weights = load_weights(**file, *plan, *kernels);
    return weights ? "fine" : weights.error().field;
}

template <class Change>
std::string complaint_after(const std::string& model, const Change& change) {
    std::string bytes = model_bytes(model);
    change(bytes);
    return complaint_about(bytes);
}

// Overwrites the 32-bit value of a metadata key.
auto set_integer(const std::string& key, std::uint32_t value) {
    return [key, value](std::string& bytes) {
        const std::size_t at = bytes.find(key);
        ASSERT_NE(at, std::string::npos) << key;
        std::memcpy(bytes.data() + at + key.size() + 4, &value, sizeof(value));
    };
}

// Renames a key or tensor to a name of the same length.
auto rename(const std::string& from, const std::string& to) {
    return [from, to](std::string& bytes) {
        const std::size_t at = bytes.find(from);
        ASSERT_NE(at, std::string::npos) << from;
        bytes.replace(at, from.size(), to);
    };
}

TEST(ModelPlan, TheBundledModelsAreFine) {
    for (const auto& name : testing::bundled_names()) EXPECT_EQ(complaint_after(name, [](std::string&) {}), "fine");
}

TEST(ModelPlan, AnUnknownArchitectureIsRefusedByName) {
    std::string bytes = model_bytes("qwen3-n-Q8_0");
    // The value follows the key, its type (4 bytes) and its length (8 bytes).
    bytes[bytes.find("general.architecture") + 20 + 4 + 8] = 'k';
    const auto file = gguf::Reader::from_bytes(std::as_bytes(std::span(bytes)));
    const auto plan = read_plan(**file);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, core::Errc::Unsupported);
    EXPECT_NE(plan.error().detail.find("kwen3"), std::string::npos);
}

TEST(ModelPlan, AbsurdNumbersNameTheirKey) {
    const std::string model = "qwen3moe-n-Q8_0";
    const auto after = [&](const std::string& key, std::uint32_t value) {
        return complaint_after(model, set_integer("qwen3moe." + key, value));
    };
    for (const std::uint32_t value : {0U, 0x7fffffffU, 0xffffffffU}) {
        for (const std::string key :
             {"block_count", "embedding_length", "context_length", "attention.head_count", "attention.key_length",
              "expert_count", "expert_used_count", "expert_feed_forward_length", "rope.dimension_count"}) {
            EXPECT_EQ(after(key, value), "qwen3moe." + key) << value;
        }
    }
    EXPECT_EQ(after("attention.head_count_kv", 0), "qwen3moe.attention.head_count_kv");
    EXPECT_EQ(after("attention.head_count_kv", 3), "qwen3moe.attention.head_count_kv");
    EXPECT_EQ(after("attention.value_length", 32), "qwen3moe.attention.value_length");
    EXPECT_EQ(after("rope.dimension_count", 33), "qwen3moe.rope.dimension_count");
    EXPECT_EQ(after("expert_used_count", 17), "qwen3moe.expert_used_count");
    EXPECT_EQ(after("rope.freq_base", 0x7fc00000U), "qwen3moe.rope.freq_base");  // not a number
}

struct Absurd {
    std::string model, key;
    std::uint32_t value;
    std::string field;  // of the complaint; empty: the key
};

// Divisions by zero, counts without bound and sizes that contradict each other, in every architecture.
TEST(ModelPlan, AbsurdNumbersOfEveryArchitectureNameTheirKeyOrTheTensor) {
    std::vector<Absurd> all;
    const std::vector<std::pair<std::string, std::string>> models{
        {"llama3-n-Q8_0", "llama"},        {"mixtral-n-Q8_0", "llama"}, {"qwen2-k-Q4_K_M", "qwen2"},
        {"deepseek2-n-Q8_0", "deepseek2"}, {"llama4-n-Q8_0", "llama4"}, {"gptoss-n-MXFP4", "gpt-oss"},
        {"gemma3-n-Q8_0", "gemma3"}};
    for (const auto& [model, prefix] : models) {
        for (const std::string key : {"block_count", "embedding_length", "context_length", "attention.head_count",
                                      "rope.dimension_count", "attention.layer_norm_rms_epsilon"}) {
            for (const std::uint32_t value : {0x7fffffffU, 0xffffffffU}) {
                if (key == "rope.dimension_count" || value != 0) all.push_back({model, prefix + "." + key, value, ""});
            }
        }
        for (const std::string key :
             {"block_count", "embedding_length", "context_length", "attention.head_count", "rope.dimension_count"}) {
            all.push_back({model, prefix + "." + key, 0, ""});
        }
    }
    const std::vector<Absurd> more{
        {"deepseek2-n-Q8_0", "deepseek2.attention.kv_lora_rank", 0, ""},
        {"deepseek2-n-Q8_0", "deepseek2.attention.kv_lora_rank", 0xffffffffU, ""},
        {"deepseek2-n-Q8_0", "deepseek2.attention.kv_lora_rank", 32, "blk.0.attn_kv_a_mqa.weight"},
        {"deepseek2-n-Q8_0", "deepseek2.attention.q_lora_rank", 0, "blk.0.attn_q.weight"},
        {"deepseek2-n-Q8_0", "deepseek2.attention.q_lora_rank", 64, "blk.0.attn_q_a.weight"},
        {"deepseek2-n-Q8_0", "deepseek2.attention.key_length_mla", 0, ""},
        {"deepseek2-n-Q8_0", "deepseek2.attention.key_length_mla", 16, "deepseek2.rope.dimension_count"},
        {"deepseek2-n-Q8_0", "deepseek2.attention.value_length_mla", 0, ""},
        {"deepseek2-n-Q8_0", "deepseek2.attention.value_length_mla", 16, "blk.0.attn_v_b.weight"},
        {"deepseek2-n-Q8_0", "deepseek2.leading_dense_block_count", 4, ""},
        {"deepseek2-n-Q8_0", "deepseek2.leading_dense_block_count", 0, "blk.0.ffn_gate_inp.weight"},
        {"deepseek2-n-Q8_0", "deepseek2.expert_shared_count", 65, ""},
        {"deepseek2-n-Q8_0", "deepseek2.expert_shared_count", 2, "blk.1.ffn_gate_shexp.weight"},
        {"deepseek2-n-Q8_0", "deepseek2.expert_shared_count", 0, "blk.1.ffn_down_shexp.weight"},
        {"deepseek2-n-Q8_0", "deepseek2.expert_group_count", 3, ""},
        {"deepseek2-n-Q8_0", "deepseek2.expert_group_count", 17, ""},
        {"deepseek2-n-Q8_0", "deepseek2.expert_group_count", 16, "deepseek2.expert_group_used_count"},
        {"deepseek2-n-Q8_0", "deepseek2.expert_group_used_count", 5, ""},
        {"deepseek2-n-Q8_0", "deepseek2.expert_gating_func", 4, ""},
        {"deepseek2-n-Q8_0", "deepseek2.expert_count", 0, ""},
        {"deepseek2-n-Q8_0", "deepseek2.expert_used_count", 17, ""},
        {"deepseek2-n-Q8_0", "deepseek2.expert_feed_forward_length", 0, ""},
        {"deepseek2-n-Q8_0", "deepseek2.rope.scaling.factor", 0, ""},
        {"deepseek2-n-Q8_0", "deepseek2.rope.scaling.yarn_log_multiplier", 0x7fc00000U, ""},
        {"deepseek2-n-Q8_0", "deepseek2.rope.scaling.original_context_length", 0, ""},
        {"llama4-n-Q8_0", "llama4.interleave_moe_layer_step", 0xffffffffU, ""},
        {"llama4-n-Q8_0", "llama4.interleave_moe_layer_step", 0, "blk.0.ffn_gate.weight"},
        {"llama4-n-Q8_0", "llama4.interleave_moe_layer_step", 2, "blk.0.ffn_gate.weight"},
        {"llama4-n-Q8_0", "llama4.expert_count", 0, ""},
        {"llama4-n-Q8_0", "llama4.expert_feed_forward_length", 0, ""},
        {"llama4-n-Q8_0", "llama4.attention.key_length", 0, ""},
        {"gptoss-n-MXFP4", "gpt-oss.attention.sliding_window", 0, ""},
        {"gptoss-n-MXFP4", "gpt-oss.attention.sliding_window", 0xffffffffU, ""},
        {"gptoss-n-MXFP4", "gpt-oss.expert_used_count", 33, ""},
        {"gptoss-n-MXFP4", "gpt-oss.expert_count", 4, "blk.0.ffn_gate_inp.weight"},
        {"gptoss-n-MXFP4", "gpt-oss.attention.head_count_kv", 3, ""},
        {"gptoss-n-MXFP4", "gpt-oss.rope.freq_base", 0, ""},
        {"gemma3-n-Q8_0", "gemma3.attention.sliding_window", 0, ""},
        {"gemma3-n-Q8_0", "gemma3.rope.freq_base_swa", 0, ""},
        {"gemma3-n-Q8_0", "gemma3.feed_forward_length", 0, ""},
        {"qwen2-k-Q4_K_M", "qwen2.attention.head_count_kv", 0, ""},
        {"qwen2-k-Q4_K_M", "qwen2.feed_forward_length", 0xffffffffU, ""}};
    all.insert(all.end(), more.begin(), more.end());
    EXPECT_GE(all.size(), 100U);
    for (const Absurd& one : all) {
        EXPECT_EQ(complaint_after(one.model, set_integer(one.key, one.value)), one.field.empty() ? one.key : one.field)
            << one.key << " = " << one.value;
    }
}

// Seeded mutants of every bundled model: each loads or is refused by name. SLUICE_MUTANTS asks for more of them.
TEST(ModelPlan, MutantsOfEveryArchitectureLoadOrAreRefusedByName) {
    const char* asked = std::getenv("SLUICE_MUTANTS");
    const int mutants = asked != nullptr ? std::atoi(asked) : 600;
    const auto names = testing::bundled_names();
    std::vector<std::string> files;
    for (const auto& name : names) files.push_back(model_bytes(name));
    std::mt19937 random(20);
    int refused = 0;
    for (int i = 0; i < mutants; ++i) {
        const std::string& file = files[static_cast<std::size_t>(i) % files.size()];
        const std::size_t data = file.size() - std::min<std::size_t>(file.size(), 300'000);
        std::string changed = file;
        for (unsigned edits = 1 + random() % 4; edits > 0; --edits) {
            const std::size_t at =
                random() % std::min<std::size_t>(changed.size(), std::max<std::size_t>(data, 60'000));
            if (random() % 16 == 0) changed.resize(at + 1);
            else if (random() % 4 == 0) changed.replace(at, std::min<std::size_t>(8, changed.size() - at), 8, '\xff');
            else changed[at] = static_cast<char>(random());
        }
        const std::string complaint = complaint_about(changed);
        EXPECT_NE(complaint, "") << "mutant " << i;
        refused += complaint == "fine" ? 0 : 1;
    }
    EXPECT_GT(refused, mutants / 10);
}

TEST(ModelPlan, WhatDoesNotFitIsRefusedWithTheNumbers) {
    const MemoryPlan plan{.weights = 3U << 20U, .cache = 2U << 20U, .scratch = 1U << 20U};
    EXPECT_TRUE(check_memory(plan, plan.total()));
    EXPECT_TRUE(check_memory(plan, 0));
    const auto refused = check_memory(plan, plan.total() - 1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, core::Errc::Unavailable);
    for (const char* number : {"6 MiB", "weights 3 MiB", "cache 2 MiB", "activations 1 MiB"}) {
        EXPECT_NE(refused.error().detail.find(number), std::string::npos) << number;
    }
    EXPECT_GT(available_memory(), 0U);
}

TEST(ModelPlan, NumbersThatDisagreeWithTheTensorsNameTheTensor) {
    const std::string model = "qwen3moe-n-Q8_0";
    EXPECT_EQ(complaint_after(model, set_integer("qwen3moe.attention.head_count", 8)), "blk.0.attn_q.weight");
    EXPECT_EQ(complaint_after(model, set_integer("qwen3moe.expert_count", 8)), "blk.0.ffn_gate_inp.weight");
    EXPECT_EQ(complaint_after(model, set_integer("qwen3moe.block_count", 3)), "blk.2.attn_norm.weight");
    EXPECT_EQ(complaint_after(model, set_integer("qwen3moe.block_count", 1)), "blk.1.attn_k.weight");
    EXPECT_EQ(complaint_after(model, set_integer("qwen3moe.embedding_length", 64)), "token_embd.weight");
    EXPECT_EQ(complaint_after("llama3-n-Q8_0", set_integer("llama.rope.dimension_count", 16)), "rope_freqs.weight");
}

TEST(ModelPlan, MissingAndSurplusTensorsAreNamed) {
    const std::string model = "qwen3-n-Q8_0";
    EXPECT_EQ(complaint_after(model, rename("blk.1.ffn_up.weight", "blk.1.ffn_pu.weight")), "blk.1.ffn_up.weight");
    EXPECT_EQ(complaint_after(model, rename("token_embd.weight", "token_dmbe.weight")), "token_embd.weight");
    // The head is optional (tied to the embedding), so its misspelling is a tensor without a use.
    EXPECT_EQ(complaint_after(model, rename("output.weight", "tuptuo.weight")), "tuptuo.weight");
}

void flip_each_byte_of_the_metadata(const std::string& name) {
    std::string bytes = model_bytes(name);
    const std::size_t end = bytes.find("tokenizer.ggml");
    for (std::size_t at = 0; at < end; ++at) {
        constexpr char kFlips[] = {'\x01', '\x80', '\xff'};
        const char sound = bytes[at];
        bytes[at] = static_cast<char>(sound ^ kFlips[at % 3]);
        complaint_about(bytes);
        bytes[at] = sound;
    }
}

TEST(ModelPlan, AnyByteOfTheMetadataMayBeWrong) {
    flip_each_byte_of_the_metadata("llama3-n-Q8_0");
}

TEST(ModelPlan, AnyByteOfTheMetadataMayBeWrongInAModelOfExperts) {
    flip_each_byte_of_the_metadata("qwen3moe-n-Q8_0");
}

}  // namespace
}  // namespace sluice::local_engine
