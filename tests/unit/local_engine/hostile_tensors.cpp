// Tensors that are missing, surplus, or of another shape, type or place; and weights that are not numbers.
#include "hostile_files.hpp"

#include <limits>

namespace sluice::local_engine::testing {
namespace {

using test::GgufWriter;
using test::TinyModel;
using Type = GgufWriter::TensorType;

HostileFile lacks(const std::string& name, const std::string& kind, const std::string& tensor,
                  const std::string& field = "") {
    return {name, kind, [tensor](TinyModel& model) { model.erase_tensor(tensor); }, field.empty() ? tensor : field};
}
HostileFile shaped(const std::string& name, const std::string& kind, const std::string& tensor,
                   std::vector<std::int64_t> ne, const std::string& field = "") {
    return {name, kind, [tensor, ne](TinyModel& model) { model.tensor(tensor).ne = ne; },
            field.empty() ? tensor : field};
}
// Another type; the bytes grow to what it needs.
HostileFile typed(const std::string& name, const std::string& kind, const std::string& tensor, std::int32_t type,
                  bool refused = true) {
    const auto change = [tensor, type](TinyModel& model) {
        model.tensor(tensor).type = type;
        model.tensor(tensor).bytes.resize(model.tensor(tensor).bytes.size() * 8, '\x11');
    };
    return {name, kind, change, refused ? tensor : ""};
}
std::int32_t id(Type type) {
    return static_cast<std::int32_t>(type);
}

// Every float of a vector, or every scale of a matrix, becomes the value.
HostileFile filled(const std::string& name, const std::string& kind, const std::string& tensor, float value,
                   std::uint16_t half) {
    const auto change = [tensor, value, half](TinyModel& model) {
        auto& one = model.tensor(tensor);
        const bool floats = one.type == id(Type::F32);
        const std::size_t step = floats ? sizeof(value) : 34;
        for (std::size_t at = 0; at + step <= one.bytes.size(); at += step) {
            std::string bytes;
            if (floats) GgufWriter::put(bytes, value);
            else GgufWriter::put(bytes, half);
            one.bytes.replace(at, bytes.size(), bytes);
        }
    };
    return {name, kind, change};
}

}  // namespace

std::vector<HostileFile> hostile_tensors() {
    return {
        lacks("NoEmbedding", "llama", "token_embd.weight"),
        lacks("NoLastNorm", "qwen2", "output_norm.weight"),
        lacks("NoQueries", "llama", "blk.1.attn_q.weight"),
        lacks("NoQueryNorm", "qwen3", "blk.0.attn_q_norm.weight"),
        lacks("NoBias", "qwen2", "blk.1.attn_v.bias"),
        lacks("NoRouter", "mixtral", "blk.0.ffn_gate_inp.weight"),
        lacks("NoExpertsThere", "qwen3moe", "blk.1.ffn_down_exps.weight"),
        lacks("NoSharedExpert", "llama4", "blk.1.ffn_up_shexp.weight"),
        lacks("NoSinks", "gpt-oss", "blk.0.attn_sinks.weight"),
        lacks("NoExpertBias", "gpt-oss", "blk.1.ffn_up_exps.bias"),
        lacks("NoSecondNorm", "gemma3", "blk.0.post_ffw_norm.weight"),
        lacks("NoRowExpansion", "deepseek2", "blk.1.attn_k_b.weight"),
        lacks("NoExpansionInTheFirstLayer", "deepseek2-old", "blk.0.attn_kv_b.weight", "blk.0.attn_k_b.weight"),
        {"NoSelectionBias", "deepseek2", [](TinyModel& model) { model.erase_tensor("blk.1.exp_probs_b.bias"); }},
        {"NoTensors", "llama", [](TinyModel& model) { model.tensors.clear(); }, "token_embd.weight"},
        {"SurplusTensor", "llama",
         [](TinyModel& model) {
             model.tensors.push_back({"blk.0.attn_q.weight2", {8}, id(Type::F32), std::string(32, '\0')});
         },
         "blk.0.attn_q.weight2"},
        {"SurplusLayer", "deepseek2",
         [](TinyModel& model) {
             model.tensors.push_back({"blk.02.attn_q.weight", {8}, id(Type::F32), std::string(32, '\0')});
         },
         "blk.02.attn_q.weight"},
        {"ManyTensorsOfManyLayersForPredictingMore", "deepseek2-old",
         [](TinyModel& model) {
             model.set("deepseek2.block_count", std::uint32_t{1024})
                 .set("deepseek2.nextn_predict_layers", std::uint32_t{1023});
             for (int i = 0; i < 60'000; ++i)
                 model.tensors.push_back({"blk.1023." + std::to_string(i), {8}, id(Type::F32), std::string(32, '\0')});
         }},
        {"NameOfControlCharacters", "llama",
         [](TinyModel& model) {
             model.tensors.push_back({"x\x1b[2J\n", {8}, id(Type::F32), std::string(32, '\0')});
         },
         "x?[2J?"},
        shaped("EmbeddingOfOneRow", "llama", "token_embd.weight", {32}, "output.weight"),
        shaped("EmbeddingTransposed", "qwen2", "token_embd.weight", {256, 32}),
        shaped("FewerRowsThanTokens", "gemma3", "token_embd.weight", {32, 200}),
        shaped("HeadOfAnotherSize", "llama", "output.weight", {32, 200}),
        shaped("NormTooShort", "llama", "blk.0.attn_norm.weight", {16}),
        shaped("NormOfTwoDimensions", "llama", "blk.0.attn_norm.weight", {16, 2}),
        shaped("QueriesTransposed", "qwen3", "blk.0.attn_q.weight", {64, 32}),
        shaped("StackOfTooFewExperts", "mixtral", "blk.0.ffn_up_exps.weight", {32, 32, 2}),
        shaped("StackAsOneMatrix", "mixtral", "blk.0.ffn_up_exps.weight", {32, 128}),
        shaped("FourDimensions", "llama", "blk.0.ffn_up.weight", {32, 16, 1, 2}),
        shaped("ProductOverflows", "llama", "blk.0.ffn_up.weight", {std::int64_t{1} << 62, 32}),
        shaped("NegativeShape", "llama", "blk.0.ffn_up.weight", {-32, -32}),
        shaped("RowOfNoWholeBlocks", "llama", "blk.0.ffn_up.weight", {31, 32}),
        shaped("FrequenciesOfAnotherLength", "llama", "rope_freqs.weight", {3}),
        typed("QueriesOfIntegers", "llama", "blk.0.attn_q.weight", id(Type::I8)),
        typed("QueriesOfLongIntegers", "llama", "blk.0.attn_q.weight", id(Type::I64)),
        typed("QueriesOfDoubles", "llama", "blk.0.attn_q.weight", id(Type::F64)),
        typed("QueriesOfRetiredType", "llama", "blk.0.attn_q.weight", 4),
        typed("QueriesOfNegativeType", "llama", "blk.0.attn_q.weight", -1),
        typed("QueriesInBlocksTooLong", "llama", "blk.0.attn_q.weight", id(Type::Q4_K)),
        typed("QueriesInHalves", "llama", "blk.0.attn_q.weight", id(Type::F16), false),
        typed("QueriesInFloats", "llama", "blk.0.attn_q.weight", id(Type::F32), false),
        typed("NormInHalves", "qwen3", "blk.0.attn_norm.weight", id(Type::F16), false),
        typed("NormInBlocks", "qwen3", "blk.0.attn_norm.weight", id(Type::Q5_1), false),
        typed("GateInFloatsBesideUpInBlocks", "llama", "blk.0.ffn_gate.weight", id(Type::F32), false),
        typed("UpInFloatsBesideGateInBlocks", "qwen3moe", "blk.0.ffn_up_exps.weight", id(Type::BF16), false),
        typed("KeysInFloatsBesideQueriesInBlocks", "gpt-oss", "blk.0.attn_k.weight", id(Type::F32), false),
        typed("RouterInBlocks", "mixtral", "blk.0.ffn_gate_inp.weight", id(Type::MXFP4), false),
        typed("LatentRowsInHalves", "deepseek2", "blk.0.attn_k_b.weight", id(Type::F16), false),
        typed("OldExpansionInFiveBits", "deepseek2-old", "blk.0.attn_kv_b.weight", id(Type::Q5_0), false),
        typed("FrequenciesInHalves", "llama", "rope_freqs.weight", id(Type::F16)),
        {"OffsetOfAnotherTensor", "llama", [](TinyModel& model) { model.tensor("blk.0.ffn_up.weight").offset = 32; },
         "blk.0.ffn_up.weight"},
        {"OffsetMisaligned", "llama", [](TinyModel& model) { model.tensor("blk.0.ffn_up.weight").offset = 4; },
         "blk.0.ffn_up.weight"},
        {"OffsetOutside", "llama", [](TinyModel& model) { model.tensor("output_norm.weight").offset = 1U << 30U; },
         "output_norm.weight"},
        {"OffsetThatWraps", "llama",
         [](TinyModel& model) { model.tensor("output_norm.weight").offset = ~std::uint64_t{31}; },
         "output_norm.weight"},
        {"FiveDimensions", "llama", [](TinyModel& model) { model.tensor("output_norm.weight").dims = 5; },
         "output_norm.weight"},
        {"NoDimensions", "llama", [](TinyModel& model) { model.tensor("output_norm.weight").dims = 0; },
         "output_norm.weight"},
        {"TensorTwice", "llama", [](TinyModel& model) { model.tensors.push_back(model.tensors.front()); },
         "token_embd.weight"},
    };
}

std::vector<HostileFile> hostile_weights() {
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
    constexpr float kInfinite = std::numeric_limits<float>::infinity();
    constexpr std::uint16_t kHalfNan = 0x7E00;
    constexpr std::uint16_t kHalfInfinite = 0x7C00;
    std::vector<HostileFile> all{
        filled("NormNotANumber", "llama", "blk.0.attn_norm.weight", kNan, kHalfNan),
        filled("NormInfinite", "llama", "blk.0.attn_norm.weight", kInfinite, kHalfInfinite),
        filled("NormHuge", "llama", "blk.0.attn_norm.weight", 3e38F, 0x7BFF),
        filled("NormDenormal", "llama", "blk.0.ffn_norm.weight", 1e-40F, 1),
        filled("NormZero", "llama", "blk.0.ffn_norm.weight", 0.0F, 0),
        filled("EmbeddingNotANumber", "mixtral", "token_embd.weight", kNan, kHalfNan),
        filled("EmbeddingInfinite", "deepseek2", "token_embd.weight", kInfinite, kHalfInfinite),
        filled("EmbeddingZero", "qwen3", "token_embd.weight", 0.0F, 0),
        filled("RouterNotANumber", "deepseek2", "blk.1.ffn_gate_inp.weight", kNan, kHalfNan),
        filled("RouterInfinite", "gpt-oss", "blk.0.ffn_gate_inp.weight", kInfinite, kHalfInfinite),
        filled("SelectionBiasNotANumber", "deepseek2", "blk.1.exp_probs_b.bias", kNan, kHalfNan),
        filled("SinksInfinite", "gpt-oss", "blk.0.attn_sinks.weight", kInfinite, kHalfInfinite),
        filled("SinksNotANumber", "gpt-oss", "blk.0.attn_sinks.weight", kNan, kHalfNan),
        filled("KeysInfinite", "llama4", "blk.0.attn_k.weight", kInfinite, kHalfInfinite),
        filled("ValuesNotANumber", "gemma3", "blk.1.attn_v.weight", kNan, kHalfNan),
        filled("LastNormNotANumber", "qwen2", "output_norm.weight", kNan, kHalfNan),
    };
    for (const float value : {kNan, 0.0F, -1.0F}) {
        HostileFile file = filled("FrequenciesOf" + std::string(value < 0       ? "Minus"
                                                                : value == 0.0F ? "Zero"
                                                                                : "Nan"),
                                  "llama", "rope_freqs.weight", value, 0);
        file.field = "rope_freqs.weight";
        all.push_back(std::move(file));
    }
    return all;
}

}  // namespace sluice::local_engine::testing
