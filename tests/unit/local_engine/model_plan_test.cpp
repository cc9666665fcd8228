// Files that are not what they claim: every complaint names the key or the tensor.
#include "golden.hpp"
#include "local_engine/model/layer_plan.hpp"
#include "local_engine/model/weights.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

namespace sluice::local_engine {
namespace {

std::string model_bytes(const std::string& name) {
    std::ifstream file(testing::bundled_goldens() / (name + ".gguf"), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// The error of loading a file after `change`; its field, or "fine".
template <class Change>
std::string complaint_after(const std::string& model, const Change& change) {
    std::string bytes = model_bytes(model);
    change(bytes);
    const auto file = gguf::Reader::from_bytes(std::as_bytes(std::span(bytes)));
    if (!file) return "reader: " + file.error().field;
    const auto plan = read_plan(**file);
    if (!plan) return plan.error().field;
    const auto kernels = make_reference_kernels();
    const auto weights = load_weights(**file, *plan, *kernels);
    return weights ? "fine" : weights.error().field;
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

TEST(ModelPlan, AnyByteOfTheMetadataMayBeWrong) {
    for (const std::string name : {"qwen3moe-n-Q8_0", "llama3-n-Q8_0"}) {
        const std::string bytes = model_bytes(name);
        std::size_t end = bytes.find("tokenizer.ggml");
        for (std::size_t at = 0; at < end; ++at) {
            constexpr char kFlips[] = {'\x01', '\x80', '\xff'};
            complaint_after(
                name, [&](std::string& changed) { changed[at] = static_cast<char>(changed[at] ^ kFlips[at % 3]); });
        }
    }
}

}  // namespace
}  // namespace sluice::local_engine
