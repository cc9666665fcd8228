// Any bytes as a model file. Opening ends with a checked Reader or an error, everything a Reader hands out lies inside
// the file, and what passes as a plan with its tensors computes a step, on every kind of kernels.
//
// An input that begins with "GGUF" is a file. Any other is a list of edits of a sound file of some architecture: one
// byte chooses that file, then nine bytes each: where (three), how many bytes (one: 0 cuts the file there), and up to
// five of them. So that the fuzzer starts behind the header.
#include "local_engine/gguf/dequantize.hpp"
#include "local_engine/gguf/reader.hpp"
#include "local_engine/model/forward.hpp"
#include "local_engine/model/memory_plan.hpp"
#include "tests/support/tiny_model.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

using namespace sluice;
using namespace sluice::local_engine;

namespace {

constexpr std::size_t kEdit = 9;

std::string file_of(std::string_view input) {
    if (input.empty() || input.starts_with("GGUF")) return std::string(input);
    static const std::vector<std::string> sound = [] {
        std::vector<std::string> files;
        for (const std::string& kind : test::TinyModel::kinds()) files.push_back(test::TinyModel::of(kind).build());
        return files;
    }();
    const auto byte = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(input[at])); };
    std::string file = sound[byte(0) % sound.size()];
    for (std::size_t at = 1; at + kEdit <= input.size(); at += kEdit) {
        const std::size_t where = (byte(at) | byte(at + 1) << 8U | byte(at + 2) << 16U) % file.size();
        const std::size_t count = std::min(byte(at + 3) % 6, file.size() - where);
        if (count == 0) file.resize(where + 1);
        else file.replace(where, count, input.substr(at + 4, count));
    }
    return file;
}

unsigned read_all(const gguf::Reader& file) {
    unsigned checksum = 0;
    for (const gguf::Tensor& tensor : file.tensors()) {
        if (file.find(tensor.name) != &tensor) std::abort();
        for (std::size_t i = 0; i < tensor.bytes; ++i) checksum += std::to_integer<unsigned>(tensor.data[i]);
        const std::int64_t elements = std::min<std::int64_t>(tensor.ne[0], 4096 / 256 * 256);
        std::vector<float> values(static_cast<std::size_t>(elements));
        if (dequantize(tensor.type, tensor.data, elements, values.data())) checksum += values[0] > 0 ? 1U : 0U;
    }
    for (const char* key : {"tokenizer.ggml.tokens", "tokenizer.ggml.token_type", "a", "tokens", "scores"}) {
        const gguf::Array* array = file.array(key);
        if (array == nullptr) continue;
        array->for_each_string([&](std::string_view text) { checksum += static_cast<unsigned>(text.size()); });
        if (array->of_numbers() && array->size() > 0) checksum += array->number(array->size() - 1) > 0 ? 1U : 0U;
    }
    return checksum;
}

// Three tokens of one sequence and one of another, in one step.
void compute(const gguf::Reader& file, const ModelPlan& plan, Kernels& kernels, KvType kv_type) {
    constexpr std::array<std::int32_t, 4> kPositions{0, 1, 2, 0};
    constexpr std::array<std::int32_t, 4> kSequences{0, 0, 0, 1};
    constexpr std::array<std::int32_t, 2> kPages{0, 1};
    constexpr std::array<std::int32_t, 2> kRows{2, 3};
    const ForwardLimits limits{.step_tokens = 4, .logit_rows = 2, .pages = 2, .kv_type = kv_type};
    const auto weights = load_weights(file, plan, kernels);
    if (!weights) std::abort();  // the checks before said that it is fine
    if (!check_memory(plan_memory(file, plan, limits), std::uint64_t{256} << 20U)) return;
    const auto forward = Forward::create(plan, *weights, kernels, limits);
    if (!forward) return;
    const auto last = static_cast<std::int32_t>(plan.vocabulary - 1);
    const std::array<std::int32_t, 4> tokens{0, last, last / 2, last};
    std::vector<float> logits(static_cast<std::size_t>(2 * plan.vocabulary));
    std::vector<float> hidden(static_cast<std::size_t>(4 * plan.width));
    (*forward)->run({tokens, kPositions, kSequences, kPages, 1, kRows}, logits, hidden);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes = file_of({reinterpret_cast<const char*>(data), size});
    const auto file = gguf::Reader::from_bytes(test::as_bytes(bytes));
    if (!file) {
        if (file.error().field.empty()) std::abort();  // every refusal names what it refuses
        return 0;
    }
    [[maybe_unused]] static volatile unsigned sink = 0;
    sink = read_all(**file);
    const auto plan = read_plan(**file);
    if (!plan) {
        if (plan.error().field.empty()) std::abort();
        return 0;
    }
    if (const auto checked = check_weights(**file, *plan); !checked) {
        if (checked.error().field.empty()) std::abort();
        return 0;
    }
    compute(**file, *plan, *make_reference_kernels(), KvType::F32);
    for (const char* instructions : {"scalar", "avx2", "avx512-vnni"}) {
        const auto kernels = make_cpu_kernels({1, Activations::Q8, instructions});
        if (kernels) compute(**file, *plan, *kernels, KvType::F16);
    }
    return 0;
}
