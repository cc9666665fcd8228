// One or two columns of activations in 256-bit vectors, for simd_avx2.cpp alone: each row of weights is read from its
// beginning to its end, which is what memory is fastest at. The exact sums of its groups are kept, and then added up
// for 8 rows side by side as simd_panels_avx2.hpp does: the results have the same bits.
#pragma once

#include "local_engine/kernels/cpu/simd_panels_avx2.hpp"

#include <type_traits>

namespace sluice::local_engine::cpu {
namespace {

constexpr std::int64_t kStreamValues = 4096;  // of a row at a time
constexpr std::size_t kAhead = 4096;          // bytes: the processor's own prefetching stops at the end of a page
constexpr std::int64_t kStreamBlocks = kStreamValues / kPanelValues;

// Sums of eight vectors, one per lane.
inline __m256i lanes_of_sums(const __m256i* v) {
    const __m256i low = _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
    const __m256i high = _mm256_hadd_epi32(_mm256_hadd_epi32(v[4], v[5]), _mm256_hadd_epi32(v[6], v[7]));
    return _mm256_add_epi32(_mm256_permute2x128_si256(low, high, 0x20), _mm256_permute2x128_si256(low, high, 0x31));
}

inline void transpose_words(__m256i* rows) {
    __m256i pairs[8];
    for (int i = 0; i < 8; i += 2) {
        pairs[i] = _mm256_unpacklo_epi32(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm256_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    __m256i fours[8];
    for (int i = 0; i < 8; i += 4) {
        fours[i] = _mm256_unpacklo_epi64(pairs[i], pairs[i + 2]);
        fours[i + 1] = _mm256_unpackhi_epi64(pairs[i], pairs[i + 2]);
        fours[i + 2] = _mm256_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
        fours[i + 3] = _mm256_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
    }
    for (int i = 0; i < 4; ++i) {
        rows[i] = _mm256_permute2x128_si256(fours[i], fours[i + 4], 0x20);
        rows[i + 4] = _mm256_permute2x128_si256(fours[i], fours[i + 4], 0x31);
    }
}

inline __m256i widened(__m256i products) {
    return _mm256_madd_epi16(products, _mm256_set1_epi16(1));
}

// Exact sums of the eight groups of 256 values of one row, for each column: out[c], a group per lane. Those of Q4_K
// and Q5_K still lack the group's integer scale, those of Q8_0 are of q alone.
template <int kColumns>
inline void block_sums(Q4KPanel, __m256i* out, const std::byte* at, const std::int8_t* const* x, std::int64_t) {
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i sums[kColumns][8];
    for (int pair = 0; pair < 4; ++pair) {
        const __m256i q = bytes_at(at + 16 + 32 * pair);
        const __m256i low = _mm256_and_si256(q, nibble);
        const __m256i high = _mm256_and_si256(_mm256_srli_epi16(q, 4), nibble);
        for (int c = 0; c < kColumns; ++c) {
            sums[c][2 * pair] = widened(_mm256_maddubs_epi16(low, bytes_at(x[c] + 64 * pair)));
            sums[c][2 * pair + 1] = widened(_mm256_maddubs_epi16(high, bytes_at(x[c] + 64 * pair + 32)));
        }
    }
    for (int c = 0; c < kColumns; ++c) out[c] = lanes_of_sums(sums[c]);
}

template <int kColumns>
inline void block_sums(Q5KPanel, __m256i* out, const std::byte* at, const std::int8_t* const* x, std::int64_t) {
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i fifth = bytes_at(at + 16);
    __m256i sums[kColumns][8];
    for (int pair = 0; pair < 4; ++pair) {
        const __m256i q = bytes_at(at + 48 + 32 * pair);
        const __m256i two = _mm256_srli_epi16(fifth, 2 * pair);
        const __m256i low = _mm256_or_si256(_mm256_and_si256(q, nibble),
                                            _mm256_slli_epi16(_mm256_and_si256(two, _mm256_set1_epi8(1)), 4));
        const __m256i high = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(q, 4), nibble),
                                             _mm256_slli_epi16(_mm256_and_si256(two, _mm256_set1_epi8(2)), 3));
        for (int c = 0; c < kColumns; ++c) {
            sums[c][2 * pair] = widened(_mm256_maddubs_epi16(low, bytes_at(x[c] + 64 * pair)));
            sums[c][2 * pair + 1] = widened(_mm256_maddubs_epi16(high, bytes_at(x[c] + 64 * pair + 32)));
        }
    }
    for (int c = 0; c < kColumns; ++c) out[c] = lanes_of_sums(sums[c]);
}

template <int kColumns>
inline void block_sums(Q6KPanel, __m256i* out, const std::byte* at, const std::int8_t* const* x, std::int64_t) {
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i top = _mm256_set1_epi8(0x30);
    alignas(32) std::int16_t scales[16];
    _mm256_store_si256(reinterpret_cast<__m256i*>(scales),
                       _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 192))));
    __m256i sums[kColumns][8];
    for (int h = 0; h < 2; ++h) {
        const __m256i a = bytes_at(at + 64 * h);
        const __m256i b = bytes_at(at + 64 * h + 32);
        const __m256i high = bytes_at(at + 128 + 32 * h);
        const __m256i q[4] = {
            _mm256_or_si256(_mm256_and_si256(a, nibble), _mm256_and_si256(_mm256_slli_epi16(high, 4), top)),
            _mm256_or_si256(_mm256_and_si256(b, nibble), _mm256_and_si256(_mm256_slli_epi16(high, 2), top)),
            _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(a, 4), nibble), _mm256_and_si256(high, top)),
            _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(b, 4), nibble),
                            _mm256_and_si256(_mm256_srli_epi16(high, 2), top)),
        };
        for (int i = 0; i < 4; ++i) {
            const int g = 4 * h + i;
            const __m256i scale = _mm256_set_m128i(_mm_set1_epi16(scales[2 * g + 1]), _mm_set1_epi16(scales[2 * g]));
            for (int c = 0; c < kColumns; ++c)
                sums[c][g] = _mm256_madd_epi16(_mm256_maddubs_epi16(q[i], bytes_at(x[c] + 32 * g)), scale);
        }
    }
    for (int c = 0; c < kColumns; ++c) out[c] = lanes_of_sums(sums[c]);
}

template <int kColumns>
inline void block_sums(Q80Panel, __m256i* out, const std::byte* at, const std::int8_t* const* x, std::int64_t groups) {
    __m256i sums[kColumns][8];
    for (int g = 0; g < 8; ++g) {
        const bool there = g < groups;
        const __m256i q = there ? bytes_at(at + 34 * g + 2) : _mm256_setzero_si256();
        const __m256i size = _mm256_abs_epi8(q);
        for (int c = 0; c < kColumns; ++c) {
            const __m256i values = there ? bytes_at(x[c] + 32 * g) : _mm256_setzero_si256();
            sums[c][g] = widened(_mm256_maddubs_epi16(size, _mm256_sign_epi8(values, q)));
        }
    }
    for (int c = 0; c < kColumns; ++c) out[c] = lanes_of_sums(sums[c]);
}

// 128 times the sum of each of eight groups of activations: panels of Q8_0 hold q + 128.
inline __m256i sums_of_128(const std::int8_t* x, std::int64_t groups) {
    __m256i sums[8];
    for (int g = 0; g < 8; ++g) {
        sums[g] = g < groups ? widened(_mm256_maddubs_epi16(_mm256_set1_epi8(127), bytes_at(x + 32 * g)))
                             : _mm256_setzero_si256();
        if (g < groups)
            sums[g] = _mm256_add_epi32(sums[g], widened(_mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes_at(x + 32 * g))));
    }
    return lanes_of_sums(sums);
}

inline void unpack_scales_of(Panel& panel, TensorType type, int half, const std::byte* at, std::size_t stride,
                             std::int64_t groups) {
    if (type == TensorType::Q4_K || type == TensorType::Q5_K) return unpack_scales(panel, half, at, stride);
    if (type == TensorType::Q6_K) return unpack_scales_q6_k(panel, half, at, stride);
    for (std::int64_t g = 0; g < groups; ++g) unpack_scale_q8_0(panel, half, at + 34 * g, stride, g);
}

inline void fetch_from(const std::byte* at, std::size_t bytes) {
    const auto next = reinterpret_cast<std::uintptr_t>(at) + kAhead;  // may lie behind the end: no access
    for (std::size_t line = 0; line < bytes; line += 64)
        _mm_prefetch(reinterpret_cast<const char*>(next + line), _MM_HINT_T0);
}

template <class Type, int kColumns>
[[gnu::noinline]] void stream_rows(float* out, const Matrix& weight, std::int64_t first, const QuantisedRows& x,
                                   const std::int32_t* columns) {
    constexpr bool kScaleLater = std::is_same_v<Type, Q4KPanel> || std::is_same_v<Type, Q5KPanel>;
    constexpr bool kOffset128 = std::is_same_v<Type, Q80Panel>;
    const std::int64_t width = weight.cols;
    const std::size_t stride = weight.row_bytes;
    const auto bytes = static_cast<std::int64_t>(panel_bytes(weight.type));
    __m256i totals[kStreamBlocks][kColumns][8];  // [row] before, [group] after the transposition
    __m256i extra[kStreamBlocks][kColumns];
    Panel panel;
    for (int c = 0; c < kColumns; ++c) {
        for (int h = 0; h < kHalves; ++h) _mm256_storeu_ps(out + c * kTileRows + 8 * h, _mm256_setzero_ps());
    }
    for (std::int64_t begin = 0; begin < width; begin += kStreamValues) {
        const std::int64_t values = width - begin < kStreamValues ? width - begin : kStreamValues;
        const std::int64_t blocks = (values + kPanelValues - 1) / kPanelValues;
        const auto groups_of = [&](std::int64_t b) {
            const std::int64_t left = (values - b * kPanelValues) / 32;
            return left < 8 ? left : 8;
        };
        for (std::int64_t b = 0; kOffset128 && b < blocks; ++b) {
            for (int c = 0; c < kColumns; ++c)
                extra[b][c] = sums_of_128(x.values + columns[c] * width + begin + b * kPanelValues, groups_of(b));
        }
        for (int half = 0; half < kHalves; ++half) {
            const std::byte* rows = weight.data + static_cast<std::size_t>(first + 8 * half) * stride + begin / kPanelValues * bytes;
            for (std::size_t row = 0; row < 8; ++row) {
                for (std::int64_t b = 0; b < blocks; ++b) {
                    const std::int8_t* at[kColumns];
                    for (int c = 0; c < kColumns; ++c) at[c] = x.values + columns[c] * width + begin + b * kPanelValues;
                    fetch_from(rows + row * stride + b * bytes, panel_bytes(weight.type));
                    __m256i sums[kColumns];
                    block_sums<kColumns>(Type{}, sums, rows + row * stride + b * bytes, at, groups_of(b));
                    for (int c = 0; c < kColumns; ++c)
                        totals[b][c][row] = kOffset128 ? _mm256_add_epi32(sums[c], extra[b][c]) : sums[c];
                }
            }
            for (std::int64_t b = 0; b < blocks; ++b) {
                unpack_scales_of(panel, weight.type, half, rows + b * bytes, stride, groups_of(b));
                for (int c = 0; c < kColumns; ++c) {
                    transpose_words(totals[b][c]);
                    const std::int64_t at = columns[c] * width + begin + b * kPanelValues;
                    const float* sums = Type::kOffsets == 1 ? x.sums + at / 32 : x.half_sums + at / 16;
                    __m256 acc = _mm256_loadu_ps(out + c * kTileRows + 8 * half);
                    __m256 block = _mm256_setzero_ps();
                    for (std::int64_t g = 0; g < groups_of(b); ++g) {
                        __m256i total = totals[b][c][g];
                        if (kScaleLater)
                            total = _mm256_mullo_epi32(total, _mm256_and_si256(panel.scales[g][half], _mm256_set1_epi32(255)));
                        add_group<Type>(acc, block, total, panel, half, g, x.scales + at / 32, sums);
                    }
                    if (Type::kOneD) acc = _mm256_fmadd_ps(block, panel.d[0][half], acc);
                    _mm256_storeu_ps(out + c * kTileRows + 8 * half, acc);
                }
            }
        }
    }
}

template <class Type>
inline void stream_columns(float* out, const Matrix& weight, std::int64_t first, const QuantisedRows& x,
                           const std::int32_t* columns, std::int64_t column_count) {
    std::int64_t c = 0;
    for (; c + 2 <= column_count; c += 2) stream_rows<Type, 2>(out + c * kTileRows, weight, first, x, columns + c);
    if (c < column_count) stream_rows<Type, 1>(out + c * kTileRows, weight, first, x, columns + c);
}

// 16 rows of a type that has panels, for a few columns.
inline void tile_by_streams(float* out, const Matrix& weight, std::int64_t first, const QuantisedRows& x,
                            const std::int32_t* columns, std::int64_t column_count) {
    switch (weight.type) {
        case TensorType::Q8_0: return stream_columns<Q80Panel>(out, weight, first, x, columns, column_count);
        case TensorType::Q4_K: return stream_columns<Q4KPanel>(out, weight, first, x, columns, column_count);
        case TensorType::Q5_K: return stream_columns<Q5KPanel>(out, weight, first, x, columns, column_count);
        default: return stream_columns<Q6KPanel>(out, weight, first, x, columns, column_count);
    }
}

}  // namespace
}  // namespace sluice::local_engine::cpu
