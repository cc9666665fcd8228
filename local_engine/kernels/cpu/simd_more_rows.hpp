// The tensor types beside Q8_0, Q4_K and Q6_K, for simd_rows.hpp: rows of quantised weights times columns of 8-bit
// activations. Private to the x86 files.
#pragma once

#include "local_engine/kernels/cpu/simd_rows.hpp"

namespace sluice::local_engine::cpu {
namespace {

// Low nibbles of 16 bytes are values 0..15, high nibbles 16..31.
inline __m256i nibbles_at(const std::byte* at) {
    const __m128i pairs = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m256i both = _mm256_set_m128i(_mm_srli_epi16(pairs, 4), pairs);
    return _mm256_and_si256(both, _mm256_set1_epi8(15));
}

// 0xff where the bit of a value in 32 is set.
inline __m256i bytes_of_bits(std::uint32_t bits) {
    const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3,
                                            3, 3, 3, 3, 3, 3, 3);
    const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(bits)), spread);
    const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201ULL));
    return _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
}

// Signed levels of 4-bit codes.
inline __m256i iq4_levels() {
    const __m128i table = _mm_setr_epi8(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
    return _mm256_set_m128i(table, table);
}
inline __m256i fp4_doubled_levels() {
    const __m128i table = _mm_setr_epi8(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);
    return _mm256_set_m128i(table, table);
}

struct Q4_0 {
    static constexpr int kBytes = 18;
    static __m256 scale(const std::byte* block) { return half_everywhere(block); }
    static __m256i values(const std::byte* block) {
        return _mm256_sub_epi8(nibbles_at(block + 2), _mm256_set1_epi8(8));
    }
};
struct Q5_0 {
    static constexpr int kBytes = 22;
    static __m256 scale(const std::byte* block) { return half_everywhere(block); }
    static __m256i values(const std::byte* block) {  // without the fifth bit: 16 less
        const __m256i less = _mm256_andnot_si256(bytes_of_bits(word_at(block + 2)), _mm256_set1_epi8(16));
        return _mm256_sub_epi8(nibbles_at(block + 6), less);
    }
};
struct Iq4Nl {
    static constexpr int kBytes = 18;
    static __m256 scale(const std::byte* block) { return half_everywhere(block); }
    static __m256i values(const std::byte* block) { return _mm256_shuffle_epi8(iq4_levels(), nibbles_at(block + 2)); }
};
struct Mxfp4 {
    static constexpr int kBytes = 17;
    // 2^(E - 128), for twice the levels; subnormal for E of 0 and 1.
    static __m256 scale(const std::byte* block) {
        const auto exponent = static_cast<std::uint32_t>(*block);
        const std::uint32_t bits = exponent < 2 ? 0x00200000U << exponent : (exponent - 1) << 23U;
        return _mm256_set1_ps(__builtin_bit_cast(float, bits));
    }
    static __m256i values(const std::byte* block) {
        return _mm256_shuffle_epi8(fp4_doubled_levels(), nibbles_at(block + 1));
    }
};

// weight = scale * q, q signed, in blocks of 32
template <class Block, class Dot, int kColumns>
inline void row_of_blocks(__m256* acc, const std::byte* row, const Columns<kColumns>& x, std::int64_t width) {
    for (std::int64_t g = 0; g < width / 32; ++g, row += Block::kBytes) {
        const __m256 d = Block::scale(row);
        const __m256i q = Block::values(row);
        for (int c = 0; c < kColumns; ++c) {
            const __m256 product = _mm256_cvtepi32_ps(Dot::of_signed(q, bytes_at(x.values[c] + 32 * g)));
            acc[c] = _mm256_fmadd_ps(product, _mm256_mul_ps(d, _mm256_set1_ps(x.scales[c][g])), acc[c]);
        }
    }
}

// weight = d * q + m, in blocks of 32: Q4_1, and Q5_1 with a fifth bit
template <class Dot, int kColumns>
inline void row_q45_1(__m256* acc, const std::byte* row, const Columns<kColumns>& x, std::int64_t width, bool five) {
    for (std::int64_t g = 0; g < width / 32; ++g, row += five ? 24 : 20) {
        const __m256 d = half_everywhere(row);
        const __m256 m = _mm256_blend_ps(_mm256_setzero_ps(), half_everywhere(row + 2), 1);  // counts once
        __m256i q = nibbles_at(row + (five ? 8 : 4));
        if (five) q = _mm256_or_si256(q, _mm256_and_si256(bytes_of_bits(word_at(row + 4)), _mm256_set1_epi8(16)));
        for (int c = 0; c < kColumns; ++c) {
            const __m256 product = _mm256_cvtepi32_ps(Dot::of_unsigned(q, bytes_at(x.values[c] + 32 * g)));
            acc[c] = _mm256_fmadd_ps(product, _mm256_mul_ps(d, _mm256_set1_ps(x.scales[c][g])), acc[c]);
            acc[c] = _mm256_fmadd_ps(m, _mm256_set1_ps(x.sums[c][g]), acc[c]);
        }
    }
}

// weight = d * scale * level, per group of 32
template <class Dot, int kColumns>
inline void row_iq4_xs(__m256* acc, const std::byte* row, const Columns<kColumns>& x, std::int64_t width) {
    for (std::int64_t g = 0; g < width / 32; g += 8, row += 136) {
        const __m256 d = half_everywhere(row);
        const std::uint32_t high = word_at(row) >> 16;
        const std::uint32_t low = word_at(row + 4);
        for (int group = 0; group < 8; ++group) {
            const int scale = static_cast<int>(((low >> (4 * group)) & 15U) | (((high >> (2 * group)) & 3U) << 4)) - 32;
            const __m256 factor = _mm256_mul_ps(d, _mm256_set1_ps(static_cast<float>(scale)));
            const __m256i q = _mm256_shuffle_epi8(iq4_levels(), nibbles_at(row + 8 + 16 * group));
            for (int c = 0; c < kColumns; ++c) {
                const __m256i values = bytes_at(x.values[c] + 32 * (g + group));
                const __m256 product = _mm256_cvtepi32_ps(Dot::of_signed(q, values));
                acc[c] =
                    _mm256_fmadd_ps(product, _mm256_mul_ps(factor, _mm256_set1_ps(x.scales[c][g + group])), acc[c]);
            }
        }
    }
}

// acc += scales[2 * group] and [2 * group + 1] (of the 16 values each) * the product of 32 values
template <class Dot, int kColumns>
inline void add_of_two_scales(__m256* acc, __m256i q, const float* scales, const Columns<kColumns>& x, std::int64_t g) {
    const __m256 scale = _mm256_set_m128(_mm_set1_ps(scales[1]), _mm_set1_ps(scales[0]));
    for (int c = 0; c < kColumns; ++c) {
        const __m256 product = _mm256_cvtepi32_ps(Dot::of_unsigned(q, bytes_at(x.values[c] + 32 * g)));
        acc[c] = _mm256_fmadd_ps(product, _mm256_mul_ps(scale, _mm256_set1_ps(x.scales[c][g])), acc[c]);
    }
}

inline __m256 floats_of_bytes(__m128i eight) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight));
}

// weight = d * scale * q - dmin * least, per group of 16
template <class Dot, int kColumns>
inline void row_q2_k(__m256* acc, const std::byte* row, const Columns<kColumns>& x, std::int64_t width) {
    for (std::int64_t g = 0; g < width / 32; g += 8, row += 84) {
        const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row));
        const __m128i small = _mm_and_si128(packed, _mm_set1_epi8(15));
        const __m128i least = _mm_and_si128(_mm_srli_epi16(packed, 4), _mm_set1_epi8(15));
        const __m256 d = half_everywhere(row + 80);
        const __m256 d_min = half_everywhere(row + 82);
        alignas(32) float scales[16];
        _mm256_store_ps(scales, _mm256_mul_ps(d, floats_of_bytes(small)));
        _mm256_store_ps(scales + 8, _mm256_mul_ps(d, floats_of_bytes(_mm_srli_si128(small, 8))));
        const __m256 leasts[2] = {_mm256_mul_ps(d_min, floats_of_bytes(least)),
                                  _mm256_mul_ps(d_min, floats_of_bytes(_mm_srli_si128(least, 8)))};
        for (int c = 0; c < kColumns; ++c) {
            acc[c] = _mm256_fnmadd_ps(leasts[0], _mm256_loadu_ps(x.half_sums[c] + 2 * g), acc[c]);
            acc[c] = _mm256_fnmadd_ps(leasts[1], _mm256_loadu_ps(x.half_sums[c] + 2 * g + 8), acc[c]);
        }
        for (int group = 0; group < 8; ++group) {
            const __m256i four = bytes_at(row + 16 + 32 * (group / 4));
            const __m256i q = _mm256_and_si256(_mm256_srli_epi16(four, 2 * (group % 4)), _mm256_set1_epi8(3));
            add_of_two_scales<Dot, kColumns>(acc, q, scales + 2 * group, x, g + group);
        }
    }
}

// weight = d * (scale - 32) * (q - 4), q of three bits, per group of 16; the -4 goes through the activations' sums
template <class Dot, int kColumns>
inline void row_q3_k(__m256* acc, const std::byte* row, const Columns<kColumns>& x, std::int64_t width) {
    for (std::int64_t g = 0; g < width / 32; g += 8, row += 110) {
        const std::uint32_t a = word_at(row + 96);
        const std::uint32_t b = word_at(row + 100);
        const std::uint32_t high = word_at(row + 104);
        const auto six = [&](std::uint32_t low, int shift) {  // four scales
            return static_cast<int>((low & 0x0f0f0f0fU) | (((high >> shift) & 0x03030303U) << 4));
        };
        const __m128i packed =
            _mm_sub_epi8(_mm_setr_epi32(six(a, 0), six(b, 2), six(a >> 4, 4), six(b >> 4, 6)), _mm_set1_epi8(32));
        const __m256 d = half_everywhere(row + 108);
        alignas(32) float scales[16];
        for (int half = 0; half < 2; ++half) {
            const __m256 eight = floats_of_bytes(half == 0 ? packed : _mm_srli_si128(packed, 8));
            const __m256 scale = _mm256_mul_ps(d, eight);
            _mm256_store_ps(scales + 8 * half, scale);
            const __m256 offset = _mm256_mul_ps(scale, _mm256_set1_ps(-4.0F));
            for (int c = 0; c < kColumns; ++c) {
                acc[c] = _mm256_fmadd_ps(offset, _mm256_loadu_ps(x.half_sums[c] + 2 * g + 8 * half), acc[c]);
            }
        }
        const __m256i mask = bytes_at(row);
        for (int group = 0; group < 8; ++group) {
            const __m256i four = bytes_at(row + 32 + 32 * (group / 4));
            const __m256i low = _mm256_and_si256(_mm256_srli_epi16(four, 2 * (group % 4)), _mm256_set1_epi8(3));
            const __m256i bit = _mm256_and_si256(_mm256_srli_epi16(mask, group), _mm256_set1_epi8(1));
            const __m256i q = _mm256_or_si256(low, _mm256_slli_epi16(bit, 2));
            add_of_two_scales<Dot, kColumns>(acc, q, scales + 2 * group, x, g + group);
        }
    }
}

template <class Dot, int kColumns>
inline void row_times_columns(__m256* acc, const std::byte* row, const Columns<kColumns>& x, const Matrix& weight) {
    const std::int64_t width = weight.cols;
    switch (weight.type) {
        case TensorType::Q8_0: return row_q8_0<Dot, kColumns>(acc, row, x, width);
        case TensorType::Q4_K: return row_q45_k<Dot, kColumns, false>(acc, row, x, width);
        case TensorType::Q5_K: return row_q45_k<Dot, kColumns, true>(acc, row, x, width);
        case TensorType::Q6_K: return row_q6_k<Dot, kColumns>(acc, row, x, width);
        case TensorType::Q2_K: return row_q2_k<Dot, kColumns>(acc, row, x, width);
        case TensorType::Q3_K: return row_q3_k<Dot, kColumns>(acc, row, x, width);
        case TensorType::Q4_0: return row_of_blocks<Q4_0, Dot, kColumns>(acc, row, x, width);
        case TensorType::Q5_0: return row_of_blocks<Q5_0, Dot, kColumns>(acc, row, x, width);
        case TensorType::Q4_1: return row_q45_1<Dot, kColumns>(acc, row, x, width, false);
        case TensorType::Q5_1: return row_q45_1<Dot, kColumns>(acc, row, x, width, true);
        case TensorType::IQ4_NL: return row_of_blocks<Iq4Nl, Dot, kColumns>(acc, row, x, width);
        case TensorType::IQ4_XS: return row_iq4_xs<Dot, kColumns>(acc, row, x, width);
        case TensorType::MXFP4: return row_of_blocks<Mxfp4, Dot, kColumns>(acc, row, x, width);
        default: return;  // has_tile says no
    }
}

template <class Dot, int kColumns>
inline void rows_times_columns(float* out, const Matrix& weight, std::int64_t first, std::int64_t rows,
                               const QuantisedRows& x, const std::int32_t* columns) {
    const Columns<kColumns> some(x, columns, weight.cols);
    for (std::int64_t row = 0; row < rows; ++row) {
        const std::byte* at = weight.data + static_cast<std::size_t>(first + row) * weight.row_bytes;
        __m256 acc[kColumns];
        for (int c = 0; c < kColumns; ++c) acc[c] = _mm256_setzero_ps();
        row_times_columns<Dot, kColumns>(acc, at, some, weight);
        for (int c = 0; c < kColumns; ++c) out[c * kTileRows + row] = sum_of(acc[c]);
    }
}

template <class Dot>
inline void tile_by_rows(float* out, const Matrix& weight, std::int64_t first, std::int64_t rows,
                         const QuantisedRows& x, const std::int32_t* columns, std::int64_t column_count) {
    std::int64_t c = 0;
    for (; c + 4 <= column_count; c += 4)
        rows_times_columns<Dot, 4>(out + c * kTileRows, weight, first, rows, x, columns + c);
    for (; c + 2 <= column_count; c += 2)
        rows_times_columns<Dot, 2>(out + c * kTileRows, weight, first, rows, x, columns + c);
    for (; c < column_count; ++c) rows_times_columns<Dot, 1>(out + c * kTileRows, weight, first, rows, x, columns + c);
}

inline bool has_tile_of(TensorType type) {
    switch (type) {
        case TensorType::F32:
        case TensorType::F16:
        case TensorType::BF16: return false;
        default: return true;
    }
}

}  // namespace
}  // namespace sluice::local_engine::cpu
