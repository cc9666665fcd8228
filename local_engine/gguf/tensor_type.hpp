// Element types of GGUF tensors: their ids in the file, and how many bytes a block of elements takes.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::local_engine {

enum class TensorType : std::int32_t {  // values are the ids of the file format
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q4_1 = 3,
    Q5_0 = 6,
    Q5_1 = 7,
    Q8_0 = 8,
    Q2_K = 10,
    Q3_K = 11,
    Q4_K = 12,
    Q5_K = 13,
    Q6_K = 14,
    IQ4_NL = 20,
    IQ4_XS = 23,
    I8 = 24,
    I16 = 25,
    I32 = 26,
    I64 = 27,
    F64 = 28,
    BF16 = 30,
    MXFP4 = 39,
};

struct TypeTraits {
    std::string_view name;            // "Q4_K"
    std::int32_t block_elements = 0;  // a row holds whole blocks only
    std::int32_t block_bytes = 0;
};

// Null for an id that is not in TensorType (an untrusted file may hold any number). Static storage, any thread.
const TypeTraits* traits(TensorType type);

// Bytes of a row of `elements` values, a multiple of the block; the type must be known.
inline std::size_t row_bytes(TensorType type, std::int64_t elements) {
    const TypeTraits& block = *traits(type);
    return static_cast<std::size_t>(elements / block.block_elements) * static_cast<std::size_t>(block.block_bytes);
}

}  // namespace sluice::local_engine
