// The quantised formats of model files, 32 values at a time, as whole numbers with scales: what products by 8-bit
// activations and everything else read weights through. Field names as in gguf/dequantize.cpp, which says the same for
// one value.
#pragma once

#include "local_engine/kernels/cuda/thread.cuh"

namespace sluice::local_engine::cuda {
inline namespace SLUICE_TARGET {

// Value e of the group is scale[e / 16] * q(e) + offset[e / 16]; q(e) is byte e % 4 of q[e / 4].
struct Group {
    std::int32_t q[8];
    float scale[2];
    float offset[2];
};

using Byte = std::uint8_t;

// Four bytes at an address that is a multiple of kAlignment: blocks of odd sizes leave no more.
template <int kAlignment>
SLUICE_DEVICE std::uint32_t word_at(const Byte* at) {
    if constexpr (kAlignment == 4) return load<std::uint32_t>(at);
    if constexpr (kAlignment == 2) {
        return static_cast<std::uint32_t>(load<std::uint16_t>(at)) |
               static_cast<std::uint32_t>(load<std::uint16_t>(at + 2)) << 16U;
    }
    return static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8U |
           static_cast<std::uint32_t>(at[2]) << 16U | static_cast<std::uint32_t>(at[3]) << 24U;
}

SLUICE_DEVICE float half_at(const Byte* at) { return half_value(load<std::uint16_t>(at)); }

// Four bytes minus `less` each, none of which leaves -128..127.
SLUICE_DEVICE std::int32_t minus(std::uint32_t bytes, std::uint32_t less) {
    constexpr std::uint32_t kTops = 0x80808080U;
    const std::uint32_t each = less * 0x01010101U;
    return static_cast<std::int32_t>(((bytes | kTops) - each) ^ (~bytes & kTops));
}

// Bits 0..3 to the lowest bits of four bytes.
SLUICE_DEVICE std::uint32_t spread(std::uint32_t bits) {
    return (bits & 1U) | (bits & 2U) << 7U | (bits & 4U) << 14U | (bits & 8U) << 21U;
}

// Four nibbles, one per byte, through a table of 16 signed bytes.
SLUICE_DEVICE std::int32_t look_up(std::uint32_t nibbles, std::uint64_t low, std::uint64_t high) {
    std::uint32_t out = 0;
    SLUICE_UNROLL
    for (unsigned i = 0; i < 32; i += 8) {
        const std::uint32_t index = nibbles >> i & 15U;
        const std::uint64_t table = index < 8 ? low : high;
        out |= static_cast<std::uint32_t>(table >> (8 * (index & 7U)) & 255U) << i;
    }
    return static_cast<std::int32_t>(out);
}
// -127 -104 -83 -65 -49 -35 -22 -10 1 13 25 38 53 69 89 113
SLUICE_DEVICE std::int32_t iq4_levels(std::uint32_t nibbles) {
    return look_up(nibbles, 0xF6EADDCFBFAD9881ULL, 0x7159453526190D01ULL);
}
// 0 1 2 3 4 6 8 12 and their negatives: doubled 4-bit floats
SLUICE_DEVICE std::int32_t fp4_levels(std::uint32_t nibbles) {
    return look_up(nibbles, 0x0C08060403020100ULL, 0xF4F8FAFCFDFEFF00ULL);
}

SLUICE_DEVICE void set_scale(Group& group, float scale, float offset = 0.0F) {
    group.scale[0] = group.scale[1] = scale;
    group.offset[0] = group.offset[1] = offset;
}

SLUICE_DEVICE float six_bit_scale(const Byte* s, int j) {
    return static_cast<float>(j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4);
}
SLUICE_DEVICE float six_bit_min(const Byte* s, int j) {
    return static_cast<float>(j < 4 ? s[j + 4] & 63 : (s[j + 4] >> 4) | (s[j] >> 6) << 4);
}
SLUICE_DEVICE float q3_scale(const Byte* scales, int k) {
    const int low = k < 8 ? scales[k] & 15 : scales[k - 8] >> 4;
    return static_cast<float>((low | (scales[8 + k % 4] >> (2 * (k / 4)) & 3) << 4) - 32);
}

// Group j of the superblock of 256, of the formats that have one; blocks of 32 are read with j = 0.
template <TensorType kType>
SLUICE_DEVICE Group unpack_block(const Byte* block, int j) {
    constexpr std::uint32_t kNibbles = 0x0F0F0F0FU;
    constexpr std::uint32_t kPairs = 0x03030303U;
    constexpr std::uint32_t kBits = 0x01010101U;
    Group out;
    if constexpr (kType == TensorType::Q8_0) {
        set_scale(out, half_at(block));
        SLUICE_UNROLL
        for (int i = 0; i < 8; ++i) out.q[i] = static_cast<std::int32_t>(word_at<2>(block + 2 + 4 * i));
    } else if constexpr (kType == TensorType::Q4_0 || kType == TensorType::IQ4_NL) {
        set_scale(out, half_at(block));
        SLUICE_UNROLL
        for (int i = 0; i < 4; ++i) {
            const std::uint32_t word = word_at<2>(block + 2 + 4 * i);
            const bool plain = kType == TensorType::Q4_0;
            out.q[i] = plain ? minus(word & kNibbles, 8) : iq4_levels(word);
            out.q[i + 4] = plain ? minus(word >> 4U & kNibbles, 8) : iq4_levels(word >> 4U);
        }
    } else if constexpr (kType == TensorType::Q4_1) {
        set_scale(out, half_at(block), half_at(block + 2));
        SLUICE_UNROLL
        for (int i = 0; i < 4; ++i) {
            const std::uint32_t word = word_at<4>(block + 4 + 4 * i);
            out.q[i] = static_cast<std::int32_t>(word & kNibbles);
            out.q[i + 4] = static_cast<std::int32_t>(word >> 4U & kNibbles);
        }
    } else if constexpr (kType == TensorType::Q5_0 || kType == TensorType::Q5_1) {
        const bool centred = kType == TensorType::Q5_0;
        set_scale(out, half_at(block), centred ? 0.0F : half_at(block + 2));
        const int start = centred ? 2 : 4;
        const std::uint32_t high = word_at<2>(block + start);
        SLUICE_UNROLL
        for (int i = 0; i < 4; ++i) {
            const std::uint32_t word = word_at<2>(block + start + 4 + 4 * i);
            const std::uint32_t first = (word & kNibbles) | spread(high >> (4 * i)) << 4U;
            const std::uint32_t second = (word >> 4U & kNibbles) | spread(high >> (4 * i + 16)) << 4U;
            out.q[i] = minus(first, centred ? 16 : 0);
            out.q[i + 4] = minus(second, centred ? 16 : 0);
        }
    } else if constexpr (kType == TensorType::MXFP4) {
        const std::uint32_t exponent = block[0];
        set_scale(out, std::bit_cast<float>(exponent < 2 ? 0x00200000U << exponent : (exponent - 1) << 23U));
        SLUICE_UNROLL
        for (int i = 0; i < 4; ++i) {
            const std::uint32_t word = word_at<1>(block + 1 + 4 * i);
            out.q[i] = fp4_levels(word);
            out.q[i + 4] = fp4_levels(word >> 4U);
        }
    } else if constexpr (kType == TensorType::Q2_K) {
        const float d = half_at(block + 80);
        const float d_min = half_at(block + 82);
        SLUICE_UNROLL
        for (int h = 0; h < 2; ++h) {
            const int scale = block[2 * j + h];
            out.scale[h] = d * static_cast<float>(scale & 15);
            out.offset[h] = -d_min * static_cast<float>(scale >> 4);
        }
        SLUICE_UNROLL
        for (int i = 0; i < 8; ++i) {
            out.q[i] = static_cast<std::int32_t>(word_at<4>(block + 16 + 32 * (j / 4) + 4 * i) >> (2 * (j % 4)) & kPairs);
        }
    } else if constexpr (kType == TensorType::Q3_K) {
        const float d = half_at(block + 108);
        set_scale(out, 0.0F);
        out.scale[0] = d * q3_scale(block + 96, 2 * j);
        out.scale[1] = d * q3_scale(block + 96, 2 * j + 1);
        SLUICE_UNROLL
        for (int i = 0; i < 8; ++i) {
            const std::uint32_t low = word_at<2>(block + 32 + 32 * (j / 4) + 4 * i) >> (2 * (j % 4)) & kPairs;
            out.q[i] = minus(low | (word_at<2>(block + 4 * i) >> j & kBits) << 2U, 4);
        }
    } else if constexpr (kType == TensorType::Q4_K || kType == TensorType::Q5_K) {
        constexpr bool kFive = kType == TensorType::Q5_K;
        set_scale(out, half_at(block) * six_bit_scale(block + 4, j), -half_at(block + 2) * six_bit_min(block + 4, j));
        SLUICE_UNROLL
        for (int i = 0; i < 8; ++i) {
            std::uint32_t q = word_at<4>(block + (kFive ? 48 : 16) + 32 * (j / 2) + 4 * i) >> (4 * (j % 2)) & kNibbles;
            if constexpr (kFive) q |= (word_at<4>(block + 16 + 4 * i) >> j & kBits) << 4U;
            out.q[i] = static_cast<std::int32_t>(q);
        }
    } else if constexpr (kType == TensorType::Q6_K) {
        const float d = half_at(block + 208);
        set_scale(out, 0.0F);
        out.scale[0] = d * static_cast<float>(static_cast<std::int8_t>(block[192 + 2 * j]));
        out.scale[1] = d * static_cast<float>(static_cast<std::int8_t>(block[193 + 2 * j]));
        const Byte* low = block + 64 * (j / 4) + 32 * (j % 2);
        const Byte* high = block + 128 + 32 * (j / 4);
        SLUICE_UNROLL
        for (int i = 0; i < 8; ++i) {
            const std::uint32_t nibbles = word_at<2>(low + 4 * i) >> (j % 4 < 2 ? 0 : 4) & kNibbles;
            out.q[i] = minus(nibbles | (word_at<2>(high + 4 * i) >> (2 * (j % 4)) & kPairs) << 4U, 32);
        }
    } else {
        static_assert(kType == TensorType::IQ4_XS);
        const int high = load<std::uint16_t>(block + 2);
        const int scale = (block[4 + j / 2] >> (4 * (j % 2)) & 15) | (high >> (2 * j) & 3) << 4;
        set_scale(out, half_at(block) * static_cast<float>(scale - 32));
        SLUICE_UNROLL
        for (int i = 0; i < 4; ++i) {
            const std::uint32_t word = word_at<4>(block + 8 + 16 * j + 4 * i);
            out.q[i] = iq4_levels(word);
            out.q[i + 4] = iq4_levels(word >> 4U);
        }
    }
    return out;
}

constexpr int block_bytes_of(TensorType type) {
    switch (type) {
        case TensorType::Q4_0: return 18;
        case TensorType::Q4_1: return 20;
        case TensorType::Q5_0: return 22;
        case TensorType::Q5_1: return 24;
        case TensorType::Q8_0: return 34;
        case TensorType::Q2_K: return 84;
        case TensorType::Q3_K: return 110;
        case TensorType::Q4_K: return 144;
        case TensorType::Q5_K: return 176;
        case TensorType::Q6_K: return 210;
        case TensorType::IQ4_NL: return 18;
        case TensorType::IQ4_XS: return 136;
        case TensorType::MXFP4: return 17;
        default: return 0;
    }
}
constexpr bool in_superblocks(TensorType type) {
    return block_bytes_of(type) > 34;
}

// Group `index` of a row: its values [32 * index, 32 * index + 32).
template <TensorType kType>
SLUICE_DEVICE Group unpack(const Byte* row, std::int64_t index) {
    constexpr int kBytes = block_bytes_of(kType);
    if constexpr (in_superblocks(kType)) return unpack_block<kType>(row + index / 8 * kBytes, static_cast<int>(index % 8));
    return unpack_block<kType>(row + index * kBytes, 0);
}

// The same for a type known at run time only: all lanes of a warp take the same way.
SLUICE_DEVICE Group unpack_any(TensorType type, const Byte* row, std::int64_t index) {
    switch (type) {
        case TensorType::Q4_0: return unpack<TensorType::Q4_0>(row, index);
        case TensorType::Q4_1: return unpack<TensorType::Q4_1>(row, index);
        case TensorType::Q5_0: return unpack<TensorType::Q5_0>(row, index);
        case TensorType::Q5_1: return unpack<TensorType::Q5_1>(row, index);
        case TensorType::Q2_K: return unpack<TensorType::Q2_K>(row, index);
        case TensorType::Q3_K: return unpack<TensorType::Q3_K>(row, index);
        case TensorType::Q4_K: return unpack<TensorType::Q4_K>(row, index);
        case TensorType::Q5_K: return unpack<TensorType::Q5_K>(row, index);
        case TensorType::Q6_K: return unpack<TensorType::Q6_K>(row, index);
        case TensorType::IQ4_NL: return unpack<TensorType::IQ4_NL>(row, index);
        case TensorType::IQ4_XS: return unpack<TensorType::IQ4_XS>(row, index);
        case TensorType::MXFP4: return unpack<TensorType::MXFP4>(row, index);
        default: return unpack<TensorType::Q8_0>(row, index);
    }
}

SLUICE_DEVICE float group_value(const Group& group, int e) {
    // By comparison, not by index: registers cannot be indexed.
    std::int32_t word = group.q[0];
    SLUICE_UNROLL
    for (int i = 1; i < 8; ++i) word = e / 4 == i ? group.q[i] : word;
    const auto quantum = static_cast<float>(static_cast<std::int8_t>(word >> (8 * (e % 4))));
    const float first = group.scale[0] * quantum + group.offset[0];
    const float second = group.scale[1] * quantum + group.offset[1];
    return e < kGroup / 2 ? first : second;
}

// One value of a row of floats.
SLUICE_DEVICE float float_at(TensorType type, const Byte* row, std::int64_t column) {
    if (type == TensorType::F32) return load<float>(row + 4 * column);
    const auto bits = load<std::uint16_t>(row + 2 * column);
    return type == TensorType::F16 ? half_value(bits) : bfloat_to_float(bits);
}
constexpr bool is_float(TensorType type) {
    return type == TensorType::F32 || type == TensorType::F16 || type == TensorType::BF16;
}

// One value of a row of any type.
SLUICE_DEVICE float value_at(TensorType type, const Byte* row, std::int64_t column) {
    if (is_float(type)) return float_at(type, row, column);
    return group_value(unpack_any(type, row, column / kGroup), static_cast<int>(column % kGroup));
}

SLUICE_DEVICE const Byte* row_at(const Matrix& matrix, std::int64_t row) {
    return reinterpret_cast<const Byte*>(matrix.data) + row * static_cast<std::int64_t>(matrix.row_bytes);
}

}  // namespace SLUICE_TARGET
}  // namespace sluice::local_engine::cuda
