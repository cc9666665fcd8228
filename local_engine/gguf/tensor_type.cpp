#include "local_engine/gguf/tensor_type.hpp"

namespace sluice::local_engine {
namespace {

constexpr TypeTraits kF32{"F32", 1, 4};
constexpr TypeTraits kF16{"F16", 1, 2};
constexpr TypeTraits kBf16{"BF16", 1, 2};
constexpr TypeTraits kF64{"F64", 1, 8};
constexpr TypeTraits kI8{"I8", 1, 1};
constexpr TypeTraits kI16{"I16", 1, 2};
constexpr TypeTraits kI32{"I32", 1, 4};
constexpr TypeTraits kI64{"I64", 1, 8};
constexpr TypeTraits kQ40{"Q4_0", 32, 18};
constexpr TypeTraits kQ41{"Q4_1", 32, 20};
constexpr TypeTraits kQ50{"Q5_0", 32, 22};
constexpr TypeTraits kQ51{"Q5_1", 32, 24};
constexpr TypeTraits kQ80{"Q8_0", 32, 34};
constexpr TypeTraits kQ2K{"Q2_K", 256, 84};
constexpr TypeTraits kQ3K{"Q3_K", 256, 110};
constexpr TypeTraits kQ4K{"Q4_K", 256, 144};
constexpr TypeTraits kQ5K{"Q5_K", 256, 176};
constexpr TypeTraits kQ6K{"Q6_K", 256, 210};
constexpr TypeTraits kIq4Nl{"IQ4_NL", 32, 18};
constexpr TypeTraits kIq4Xs{"IQ4_XS", 256, 136};
constexpr TypeTraits kMxfp4{"MXFP4", 32, 17};

}  // namespace

const TypeTraits* traits(TensorType type) {
    switch (type) {
        case TensorType::F32: return &kF32;
        case TensorType::F16: return &kF16;
        case TensorType::BF16: return &kBf16;
        case TensorType::F64: return &kF64;
        case TensorType::I8: return &kI8;
        case TensorType::I16: return &kI16;
        case TensorType::I32: return &kI32;
        case TensorType::I64: return &kI64;
        case TensorType::Q4_0: return &kQ40;
        case TensorType::Q4_1: return &kQ41;
        case TensorType::Q5_0: return &kQ50;
        case TensorType::Q5_1: return &kQ51;
        case TensorType::Q8_0: return &kQ80;
        case TensorType::Q2_K: return &kQ2K;
        case TensorType::Q3_K: return &kQ3K;
        case TensorType::Q4_K: return &kQ4K;
        case TensorType::Q5_K: return &kQ5K;
        case TensorType::Q6_K: return &kQ6K;
        case TensorType::IQ4_NL: return &kIq4Nl;
        case TensorType::IQ4_XS: return &kIq4Xs;
        case TensorType::MXFP4: return &kMxfp4;
    }
    return nullptr;  // a number outside of the enumeration
}

}  // namespace sluice::local_engine
