// Random weights of any type, as bytes of the file format: scales are small, everything else is arbitrary bits.
#pragma once

#include "local_engine/gguf/half.hpp"
#include "local_engine/gguf/tensor_type.hpp"
#include "local_engine/kernels/kernels.hpp"

#include <cstring>
#include <random>
#include <vector>

namespace sluice::local_engine::testing {

struct OwnedMatrix {
    std::vector<std::byte> bytes;
    Matrix view;
};

// Where a block keeps its half-precision scales; other bytes may be anything.
inline std::vector<std::size_t> half_offsets(TensorType type) {
    switch (type) {
        case TensorType::Q4_1:
        case TensorType::Q5_1:
        case TensorType::Q4_K:
        case TensorType::Q5_K: return {0, 2};
        case TensorType::Q2_K: return {80, 82};
        case TensorType::Q3_K: return {108};
        case TensorType::Q6_K: return {208};
        case TensorType::MXFP4: return {};
        default: return {0};
    }
}

inline OwnedMatrix random_matrix(TensorType type, std::int64_t rows, std::int64_t cols, std::mt19937& random) {
    OwnedMatrix matrix;
    const TypeTraits& block = *traits(type);
    const std::size_t row = row_bytes(type, cols);
    matrix.bytes.resize(row * static_cast<std::size_t>(rows));
    std::uniform_real_distribution<float> value(-1.0F, 1.0F);
    if (block.block_elements == 1) {
        for (std::size_t i = 0; i < matrix.bytes.size() / static_cast<std::size_t>(block.block_bytes); ++i) {
            const float number = value(random);
            const std::uint16_t half = float_to_half(number);
            const auto brain = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(number) >> 16U);
            if (type == TensorType::F32) std::memcpy(matrix.bytes.data() + 4 * i, &number, 4);
            if (type == TensorType::F16) std::memcpy(matrix.bytes.data() + 2 * i, &half, 2);
            if (type == TensorType::BF16) std::memcpy(matrix.bytes.data() + 2 * i, &brain, 2);
        }
    } else {
        for (std::byte& byte : matrix.bytes) byte = static_cast<std::byte>(random());
        for (std::size_t at = 0; at < matrix.bytes.size(); at += static_cast<std::size_t>(block.block_bytes)) {
            for (const std::size_t offset : half_offsets(type)) {
                const std::uint16_t half = float_to_half(value(random) * 0.01F);
                std::memcpy(matrix.bytes.data() + at + offset, &half, sizeof(half));
            }
            if (type == TensorType::MXFP4) matrix.bytes[at] = static_cast<std::byte>(118U + random() % 6U);
        }
    }
    matrix.view = {matrix.bytes.data(), type, rows, cols, row};
    return matrix;
}

inline std::vector<float> random_floats(std::size_t count, std::mt19937& random) {
    std::normal_distribution<float> value;
    std::vector<float> values(count);
    for (float& number : values) number = value(random);
    return values;
}

}  // namespace sluice::local_engine::testing
