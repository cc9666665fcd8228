// Rows of quantised weights times a few columns of 8-bit activations, in 256-bit vectors. Private to the x86 files.
// One weight row is read once, in order, and its blocks are unpacked once for kColumns columns: decoding is bound by
// memory, so this reads like memory. Dot is the instruction set's product of 32 bytes (see below).
#pragma once

#include "local_engine/kernels/cpu/simd.hpp"

#include <immintrin.h>

#include <cstdint>

namespace sluice::local_engine::cpu {
namespace {

// Unaligned loads: rows of a mapped file are aligned to nothing.
inline __m256i bytes_at(const void* at) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(at));
}

inline std::uint32_t word_at(const std::byte* at) {
    std::uint32_t value;
    __builtin_memcpy(&value, at, sizeof(value));
    return value;
}

inline __m256 half_everywhere(const std::byte* at) {
    std::int16_t half;
    __builtin_memcpy(&half, at, sizeof(half));
    return _mm256_cvtph_ps(_mm_set1_epi16(half));
}

inline float sum_of(__m256 v) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

// Columns of the activations that a row is multiplied with.
template <int kColumns>
struct Columns {
    const std::int8_t* values[kColumns];
    const float* scales[kColumns];
    const float* sums[kColumns];
    const float* half_sums[kColumns];

    Columns(const QuantisedRows& x, const std::int32_t* columns, std::int64_t width) {
        for (int c = 0; c < kColumns; ++c) {
            values[c] = x.values + columns[c] * width;
            scales[c] = x.scales + columns[c] * (width / 32);
            sums[c] = x.sums + columns[c] * (width / 32);
            half_sums[c] = x.half_sums + columns[c] * (width / 16);
        }
    }
};

// weight = d * q
template <class Dot, int kColumns>
inline void row_q8_0(__m256* acc, const std::byte* row, const Columns<kColumns>& x, std::int64_t width) {
    for (std::int64_t g = 0; g < width / 32; ++g, row += 34) {
        const __m256 d = half_everywhere(row);
        const __m256i q = bytes_at(row + 2);
        for (int c = 0; c < kColumns; ++c) {
            const __m256 product = _mm256_cvtepi32_ps(Dot::of_signed(q, bytes_at(x.values[c] + 32 * g)));
            acc[c] = _mm256_fmadd_ps(product, _mm256_mul_ps(d, _mm256_set1_ps(x.scales[c][g])), acc[c]);
        }
    }
}

// weight = d * scale * q - dmin * least, per group of 32, the 6-bit scales and leasts packed in 12 bytes: Q4_K, and
// Q5_K with a fifth bit of each value
template <class Dot, int kColumns, bool kFive>
inline void row_q45_k(__m256* acc, const std::byte* row, const Columns<kColumns>& x, std::int64_t width) {
    const __m256i nibble = _mm256_set1_epi8(15);
    for (std::int64_t g = 0; g < width / 32; g += 8, row += kFive ? 176 : 144) {
        const std::uint32_t a = word_at(row + 4);
        const std::uint32_t b = word_at(row + 8);
        const std::uint32_t c3 = word_at(row + 12);
        const std::uint64_t packed_scales =
            (a & 0x3f3f3f3fU) | static_cast<std::uint64_t>((c3 & 0x0f0f0f0fU) | ((a >> 2) & 0x30303030U)) << 32;
        const std::uint64_t packed_leasts =
            (b & 0x3f3f3f3fU) | static_cast<std::uint64_t>(((c3 >> 4) & 0x0f0f0f0fU) | ((b >> 2) & 0x30303030U)) << 32;
        const auto floats_of = [](std::uint64_t packed) {
            return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<long long>(packed))));
        };
        const __m256 scales = _mm256_mul_ps(half_everywhere(row), floats_of(packed_scales));
        const __m256 leasts = _mm256_mul_ps(half_everywhere(row + 2), floats_of(packed_leasts));
        alignas(32) float factors[kColumns][8];
        for (int c = 0; c < kColumns; ++c) {
            _mm256_store_ps(factors[c], _mm256_mul_ps(scales, _mm256_loadu_ps(x.scales[c] + g)));
            acc[c] = _mm256_fnmadd_ps(leasts, _mm256_loadu_ps(x.sums[c] + g), acc[c]);
        }
        const __m256i fifth = kFive ? bytes_at(row + 16) : _mm256_setzero_si256();
        for (int pair = 0; pair < 4; ++pair) {
            const __m256i q = bytes_at(row + (kFive ? 48 : 16) + 32 * pair);
            __m256i low = _mm256_and_si256(q, nibble);
            __m256i high = _mm256_and_si256(_mm256_srli_epi16(q, 4), nibble);
            if (kFive) {
                const __m256i two = _mm256_srli_epi16(fifth, 2 * pair);
                low = _mm256_or_si256(low, _mm256_slli_epi16(_mm256_and_si256(two, _mm256_set1_epi8(1)), 4));
                high = _mm256_or_si256(high, _mm256_slli_epi16(_mm256_and_si256(two, _mm256_set1_epi8(2)), 3));
            }
            for (int c = 0; c < kColumns; ++c) {
                const std::int8_t* values = x.values[c] + 32 * g + 64 * pair;
                const __m256 first = _mm256_cvtepi32_ps(Dot::of_unsigned(low, bytes_at(values)));
                const __m256 second = _mm256_cvtepi32_ps(Dot::of_unsigned(high, bytes_at(values + 32)));
                acc[c] = _mm256_fmadd_ps(first, _mm256_set1_ps(factors[c][2 * pair]), acc[c]);
                acc[c] = _mm256_fmadd_ps(second, _mm256_set1_ps(factors[c][2 * pair + 1]), acc[c]);
            }
        }
    }
}

// weight = d * scale * (q - 32), per group of 16; the -32 goes through the sums of the activations
template <class Dot, int kColumns>
inline void row_q6_k(__m256* acc, const std::byte* row, const Columns<kColumns>& x, std::int64_t width) {
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i top = _mm256_set1_epi8(0x30);
    for (std::int64_t g = 0; g < width / 32; g += 8, row += 210) {
        const __m256 d = half_everywhere(row + 208);
        alignas(32) float scales[16];
        for (int half = 0; half < 2; ++half) {
            const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(row + 192 + 8 * half));
            const __m256 scale = _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight)));
            _mm256_store_ps(scales + 8 * half, scale);
            const __m256 offset = _mm256_mul_ps(scale, _mm256_set1_ps(-32.0F));
            for (int c = 0; c < kColumns; ++c) {
                acc[c] = _mm256_fmadd_ps(offset, _mm256_loadu_ps(x.half_sums[c] + 2 * g + 8 * half), acc[c]);
            }
        }
        for (int h = 0; h < 2; ++h) {
            const __m256i a = bytes_at(row + 64 * h);
            const __m256i b = bytes_at(row + 64 * h + 32);
            const __m256i high = bytes_at(row + 128 + 32 * h);
            const __m256i q[4] = {
                _mm256_or_si256(_mm256_and_si256(a, nibble), _mm256_and_si256(_mm256_slli_epi16(high, 4), top)),
                _mm256_or_si256(_mm256_and_si256(b, nibble), _mm256_and_si256(_mm256_slli_epi16(high, 2), top)),
                _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(a, 4), nibble), _mm256_and_si256(high, top)),
                _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(b, 4), nibble),
                                _mm256_and_si256(_mm256_srli_epi16(high, 2), top)),
            };
            for (int i = 0; i < 4; ++i) {
                const int group = 4 * h + i;
                const __m256 scale =
                    _mm256_set_m128(_mm_set1_ps(scales[2 * group + 1]), _mm_set1_ps(scales[2 * group]));
                for (int c = 0; c < kColumns; ++c) {
                    const __m256 product =
                        _mm256_cvtepi32_ps(Dot::of_unsigned(q[i], bytes_at(x.values[c] + 32 * (g + group))));
                    acc[c] =
                        _mm256_fmadd_ps(product, _mm256_mul_ps(scale, _mm256_set1_ps(x.scales[c][g + group])), acc[c]);
                }
            }
        }
    }
}

inline void from_half(float* out, const std::byte* in, std::int64_t count) {
    std::int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in + 2 * i))));
    }
    for (; i < count; ++i) out[i] = _mm256_cvtss_f32(half_everywhere(in + 2 * i));
}

inline void to_half(std::byte* out, const float* in, std::int64_t count) {
    std::int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        const __m128i eight = _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 2 * i), eight);
    }
    for (; i < count; ++i) {
        const auto half =
            static_cast<std::int16_t>(_mm_extract_epi16(_mm_cvtps_ph(_mm_set_ss(in[i]), _MM_FROUND_TO_NEAREST_INT), 0));
        __builtin_memcpy(out + 2 * i, &half, sizeof(half));
    }
}

}  // namespace
}  // namespace sluice::local_engine::cpu
