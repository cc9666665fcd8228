// Any bytes as a model file: opening must end with a checked Reader or an error, and everything a Reader hands out must
// lie inside the file.
#include "local_engine/gguf/dequantize.hpp"
#include "local_engine/gguf/reader.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

using namespace sluice::local_engine;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto file = gguf::Reader::from_bytes({reinterpret_cast<const std::byte*>(data), size});
    if (!file) {
        if (file.error().field.empty()) std::abort();  // every refusal names what it refuses
        return 0;
    }
    unsigned checksum = 0;
    for (const gguf::Tensor& tensor : (*file)->tensors()) {
        if ((*file)->find(tensor.name) != &tensor) std::abort();
        for (std::size_t i = 0; i < tensor.bytes; ++i) checksum += std::to_integer<unsigned>(tensor.data[i]);
        const std::int64_t elements = std::min<std::int64_t>(tensor.ne[0], 4096 / 256 * 256);
        std::vector<float> values(static_cast<std::size_t>(elements));
        if (dequantize(tensor.type, tensor.data, elements, values.data())) checksum += values[0] > 0 ? 1U : 0U;
    }
    for (const char* key : {"tokenizer.ggml.tokens", "tokenizer.ggml.token_type", "a", "tokens", "scores"}) {
        const gguf::Array* array = (*file)->array(key);
        if (array == nullptr) continue;
        array->for_each_string([&](std::string_view text) { checksum += static_cast<unsigned>(text.size()); });
        if (array->of_numbers() && array->size() > 0) checksum += array->number(array->size() - 1) > 0 ? 1U : 0U;
    }
    static volatile unsigned sink = 0;
    sink = checksum;
    return 0;
}
