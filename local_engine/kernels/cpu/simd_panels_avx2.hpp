// Panels of quantised weights in 256-bit vectors, for simd_avx2.cpp alone. 16 rows x 256 values are unpacked into the
// first cache as unsigned bytes, four consecutive values of a row beside those of seven other rows, so that one maddubs
// multiplies four values of each of eight rows, and all columns of activations run over the panel.
//
// maddubs adds two products of bytes in 16 bits. Products of weights of few bits are added up there too, as many as
// surely fit (kRun quads), and the madd that widens the sum to 32 bits multiplies it by the group's integer scale.
// A row is added up in the same order however many columns there are, so that an answer does not depend on what else
// is in the step.
#pragma once

#include "local_engine/kernels/cpu/simd_rows.hpp"

namespace sluice::local_engine::cpu {
namespace {

constexpr int kPanelValues = 256;
constexpr int kHalves = 2;  // of 8 rows: one vector each

// weight = d * scale * q + offset, q unsigned. A group is 32 values: 8 quads, or 16 (see unpack_q8_0).
struct Panel {
    __m256i quads[kPanelValues / 4 * 2][kHalves];  // [k]: values 4k..4k+3 of each row
    __m256i scales[16][kHalves];                   // integer, twice in 16 bits, per run of quads that shares one
    __m256 d[8][kHalves];                          // per block of 32, or [0] for all 256
    __m256 offsets[16][kHalves];                   // per group of 16 or 32
};

// What the loop over a panel must know of a type.
struct Q4KPanel {
    static constexpr int kQuads = 8, kRun = 8, kScales = 1, kOffsets = 1;
    static constexpr bool kOneD = true;
};
struct Q5KPanel {
    static constexpr int kQuads = 8, kRun = 4, kScales = 1, kOffsets = 1;
    static constexpr bool kOneD = true;
};
struct Q6KPanel {
    static constexpr int kQuads = 8, kRun = 2, kScales = 2, kOffsets = 2;
    static constexpr bool kOneD = true;
};
struct Q80Panel {
    static constexpr int kQuads = 16, kRun = 8, kScales = 2, kOffsets = 1;
    static constexpr bool kOneD = false;
};

// 32 bytes of each of 8 rows, `stride` apart, to 8 vectors of four bytes of each row: an 8 x 8 transposition.
// Rows i and i + 4 meet in a vector, because unpacking works within 128 bits.
inline void transpose(__m256i* out, const std::byte* at, std::size_t stride) {
    const auto half = [&](std::size_t row, int part) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + row * stride) + part);
    };
    for (int part = 0; part < 2; ++part) {
        const auto pair = [&](std::size_t row) {
            return _mm256_inserti128_si256(_mm256_castsi128_si256(half(row, part)), half(row + 4, part), 1);
        };
        const __m256i r0 = pair(0);
        const __m256i r1 = pair(1);
        const __m256i r2 = pair(2);
        const __m256i r3 = pair(3);
        const __m256i low01 = _mm256_unpacklo_epi32(r0, r1);
        const __m256i high01 = _mm256_unpackhi_epi32(r0, r1);
        const __m256i low23 = _mm256_unpacklo_epi32(r2, r3);
        const __m256i high23 = _mm256_unpackhi_epi32(r2, r3);
        out[4 * part] = _mm256_unpacklo_epi64(low01, low23);
        out[4 * part + 1] = _mm256_unpackhi_epi64(low01, low23);
        out[4 * part + 2] = _mm256_unpacklo_epi64(high01, high23);
        out[4 * part + 3] = _mm256_unpackhi_epi64(high01, high23);
    }
}

// Four bytes of each of 8 rows.
inline __m256i words_of(const std::byte* at, std::size_t stride) {
    const auto word = [&](std::size_t row) { return static_cast<int>(word_at(at + row * stride)); };
    return _mm256_setr_epi32(word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7));
}

// The half in the low 16 bits of each word.
inline __m256 floats_of_low_halves(__m256i words) {
    const __m256i low = _mm256_and_si256(words, _mm256_set1_epi32(0xffff));
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(low, low), 0x08);
    return _mm256_cvtph_ps(_mm256_castsi256_si128(packed));
}

// Byte `index` of each word, and that byte twice in 16 bits.
inline __m256i byte_of(__m256i words, int index) {
    return _mm256_and_si256(_mm256_srli_epi32(words, 8 * index), _mm256_set1_epi32(255));
}
inline __m256i twice(__m256i value) {
    return _mm256_or_si256(value, _mm256_slli_epi32(value, 16));
}

// The 6-bit scales and leasts of Q4_K and Q5_K.
inline void unpack_scales(Panel& panel, int half, const std::byte* at, std::size_t stride) {
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i six = _mm256_set1_epi8(0x3f);
    const __m256i top = _mm256_set1_epi8(0x30);
    const __m256i halves = words_of(at, stride);
    const __m256i a = words_of(at + 4, stride);
    const __m256i b = words_of(at + 8, stride);
    const __m256i c = words_of(at + 12, stride);
    panel.d[0][half] = floats_of_low_halves(halves);
    const __m256 least = _mm256_sub_ps(_mm256_setzero_ps(), floats_of_low_halves(_mm256_srli_epi32(halves, 16)));
    const __m256i scales[2] = {
        _mm256_and_si256(a, six),
        _mm256_or_si256(_mm256_and_si256(c, nibble), _mm256_and_si256(_mm256_srli_epi32(a, 2), top))};
    const __m256i leasts[2] = {_mm256_and_si256(b, six),
                               _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi32(c, 4), nibble),
                                               _mm256_and_si256(_mm256_srli_epi32(b, 2), top))};
    for (int g = 0; g < 8; ++g) {
        panel.scales[g][half] = twice(byte_of(scales[g / 4], g % 4));
        panel.offsets[g][half] = _mm256_mul_ps(least, _mm256_cvtepi32_ps(byte_of(leasts[g / 4], g % 4)));
    }
}

inline void unpack_q4_k(Panel& panel, int half, const std::byte* at, std::size_t stride) {
    const __m256i nibble = _mm256_set1_epi8(15);
    for (int pair = 0; pair < 4; ++pair) {
        __m256i both[8];
        transpose(both, at + 16 + 32 * pair, stride);
        for (int k = 0; k < 8; ++k) {
            panel.quads[16 * pair + k][half] = _mm256_and_si256(both[k], nibble);
            panel.quads[16 * pair + 8 + k][half] = _mm256_and_si256(_mm256_srli_epi16(both[k], 4), nibble);
        }
    }
    unpack_scales(panel, half, at, stride);
}

inline void unpack_q5_k(Panel& panel, int half, const std::byte* at, std::size_t stride) {
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i fifth = _mm256_set1_epi8(16);
    __m256i high[8];  // bit g of a byte belongs to group g
    transpose(high, at + 16, stride);
    for (int pair = 0; pair < 4; ++pair) {
        __m256i both[8];
        transpose(both, at + 48 + 32 * pair, stride);
        for (int k = 0; k < 8; ++k) {
            const __m256i bits = _mm256_srli_epi16(high[k], 2 * pair);
            panel.quads[16 * pair + k][half] = _mm256_or_si256(_mm256_and_si256(both[k], nibble),
                                                               _mm256_and_si256(_mm256_slli_epi16(bits, 4), fifth));
            panel.quads[16 * pair + 8 + k][half] =
                _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(both[k], 4), nibble),
                                _mm256_and_si256(_mm256_slli_epi16(bits, 3), fifth));
        }
    }
    unpack_scales(panel, half, at, stride);
}

inline void unpack_scales_q6_k(Panel& panel, int half, const std::byte* at, std::size_t stride) {
    // d stands at the end of the block, which may be the end of the file: the words begin two bytes before it.
    const __m256 d = floats_of_low_halves(_mm256_srli_epi32(words_of(at + 206, stride), 16));
    const __m256 minus = _mm256_mul_ps(d, _mm256_set1_ps(-32.0F));
    panel.d[0][half] = d;
    for (int word = 0; word < 4; ++word) {
        const __m256i four = words_of(at + 192 + 4 * word, stride);
        for (int k = 0; k < 4; ++k) {
            const __m256i scale = _mm256_srai_epi32(_mm256_slli_epi32(four, 24 - 8 * k), 24);
            const int g = 4 * word + k;
            panel.scales[g][half] = twice(_mm256_and_si256(scale, _mm256_set1_epi32(0xffff)));
            panel.offsets[g][half] = _mm256_mul_ps(minus, _mm256_cvtepi32_ps(scale));
        }
    }
}

inline void unpack_q6_k(Panel& panel, int half, const std::byte* at, std::size_t stride) {
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i top = _mm256_set1_epi8(0x30);
    for (int h = 0; h < 2; ++h) {
        __m256i a[8];
        __m256i b[8];
        __m256i high[8];
        transpose(a, at + 64 * h, stride);
        transpose(b, at + 64 * h + 32, stride);
        transpose(high, at + 128 + 32 * h, stride);
        __m256i(*quads)[kHalves] = panel.quads + 32 * h;
        for (int k = 0; k < 8; ++k) {
            const __m256i a_high = _mm256_and_si256(_mm256_srli_epi16(a[k], 4), nibble);
            const __m256i b_high = _mm256_and_si256(_mm256_srli_epi16(b[k], 4), nibble);
            quads[k][half] =
                _mm256_or_si256(_mm256_and_si256(a[k], nibble), _mm256_and_si256(_mm256_slli_epi16(high[k], 4), top));
            quads[8 + k][half] =
                _mm256_or_si256(_mm256_and_si256(b[k], nibble), _mm256_and_si256(_mm256_slli_epi16(high[k], 2), top));
            quads[16 + k][half] = _mm256_or_si256(a_high, _mm256_and_si256(high[k], top));
            quads[24 + k][half] = _mm256_or_si256(b_high, _mm256_and_si256(_mm256_srli_epi16(high[k], 2), top));
        }
    }
    unpack_scales_q6_k(panel, half, at, stride);
}

inline void unpack_scale_q8_0(Panel& panel, int half, const std::byte* at, std::size_t stride, std::int64_t g) {
    panel.d[g][half] = floats_of_low_halves(words_of(at, stride));
    panel.offsets[g][half] = _mm256_mul_ps(panel.d[g][half], _mm256_set1_ps(-128.0F));
}

// q + 128 = 16 * high + low: two products of few bits each, so that a whole group adds up in 16 bits.
inline void unpack_q8_0(Panel& panel, int half, const std::byte* at, std::size_t stride, std::int64_t values) {
    const __m256i nibble = _mm256_set1_epi8(15);
    panel.scales[0][half] = _mm256_set1_epi16(16);
    panel.scales[1][half] = _mm256_set1_epi16(1);
    for (std::int64_t g = 0; g < values / 32; ++g, at += 34) {
        __m256i quads[8];
        transpose(quads, at + 2, stride);
        for (int k = 0; k < 8; ++k) {
            const __m256i q = _mm256_xor_si256(quads[k], _mm256_set1_epi8(-128));
            panel.quads[16 * g + k][half] = _mm256_and_si256(_mm256_srli_epi16(q, 4), nibble);
            panel.quads[16 * g + 8 + k][half] = _mm256_and_si256(q, nibble);
        }
        unpack_scale_q8_0(panel, half, at, stride, g);
    }
}

inline __m256i four_everywhere(const std::int8_t* at) {
    std::int32_t word;
    __builtin_memcpy(&word, at, sizeof(word));
    return _mm256_set1_epi32(word);
}

// Without this the compiler turns a long sum into a tree that needs far more registers than there are.
inline void keep_order(__m256i& sum) {
    __asm__("" : "+x"(sum));
}

// A group's exact sum of 8 rows joins their float sums: the one order of additions, whoever made the sum.
template <class Type>
inline void add_group(__m256& acc, __m256& block, __m256i total, const Panel& panel, int half, std::int64_t g,
                      const float* scales, const float* sums) {
    const __m256 product = _mm256_cvtepi32_ps(total);
    const __m256 scale = _mm256_broadcast_ss(scales + g);
    if (Type::kOneD) block = _mm256_fmadd_ps(product, scale, block);
    else acc = _mm256_fmadd_ps(product, _mm256_mul_ps(scale, panel.d[g][half]), acc);
    for (int o = 0; o < Type::kOffsets; ++o) {
        const std::int64_t at = Type::kOffsets * g + o;
        acc = _mm256_fmadd_ps(panel.offsets[at][half], _mm256_broadcast_ss(sums + at), acc);
    }
}

// out[c][16] += panel · columns[c], whose values from `start` stand against the panel's.
template <class Type, int kColumns>
[[gnu::noinline]] void multiply_panel(float* out, const Panel& panel, std::int64_t values, const QuantisedRows& x,
                           const std::int32_t* columns, std::int64_t width, std::int64_t start) {
    __m256 acc[kColumns][kHalves];
    __m256 block[kColumns][kHalves];
    const std::int8_t* quads[kColumns];
    const float* scales[kColumns];
    const float* sums[kColumns];
#pragma GCC unroll 4
    for (int c = 0; c < kColumns; ++c) {
        const std::int64_t column = columns[c] * width + start;
        quads[c] = x.values + column;
        scales[c] = x.scales + column / 32;
        sums[c] = Type::kOffsets == 1 ? x.sums + column / 32 : x.half_sums + column / 16;
        for (int h = 0; h < kHalves; ++h) {
            acc[c][h] = _mm256_loadu_ps(out + c * kTileRows + 8 * h);
            block[c][h] = _mm256_setzero_ps();
        }
    }
    constexpr int kRuns = Type::kQuads / Type::kRun;
    for (std::int64_t g = 0; g < values / 32; ++g) {
        const __m256i(*q)[kHalves] = panel.quads + g * Type::kQuads;
        __m256i total[kColumns][kHalves];
#pragma GCC unroll 4
        for (int run = 0; run < kRuns; ++run) {
            __m256i sum[kColumns][kHalves];
#pragma GCC unroll 8
            for (int k = run * Type::kRun; k < (run + 1) * Type::kRun; ++k) {
#pragma GCC unroll 4
                for (int c = 0; c < kColumns; ++c) {
                    const __m256i four = four_everywhere(quads[c] + 32 * g + 4 * (k % 8));
                    for (int h = 0; h < kHalves; ++h) {
                        const __m256i products = _mm256_maddubs_epi16(q[k][h], four);
                        sum[c][h] = k == run * Type::kRun ? products : _mm256_add_epi16(sum[c][h], products);
                        keep_order(sum[c][h]);
                    }
                }
            }
            const std::int64_t scale = (Type::kOneD ? g * Type::kScales : 0) + run * Type::kScales / kRuns;
#pragma GCC unroll 4
            for (int c = 0; c < kColumns; ++c) {
                for (int h = 0; h < kHalves; ++h) {
                    const __m256i scaled = _mm256_madd_epi16(sum[c][h], panel.scales[scale][h]);
                    total[c][h] = run == 0 ? scaled : _mm256_add_epi32(total[c][h], scaled);
                }
            }
        }
#pragma GCC unroll 4
        for (int c = 0; c < kColumns; ++c) {
            for (int h = 0; h < kHalves; ++h)
                add_group<Type>(acc[c][h], block[c][h], total[c][h], panel, h, g, scales[c], sums[c]);
        }
    }
#pragma GCC unroll 4
    for (int c = 0; c < kColumns; ++c) {
        for (int h = 0; h < kHalves; ++h) {
            if (Type::kOneD) acc[c][h] = _mm256_fmadd_ps(block[c][h], panel.d[0][h], acc[c][h]);
            _mm256_storeu_ps(out + c * kTileRows + 8 * h, acc[c][h]);
        }
    }
}

template <class Type>
inline void multiply_all(float* out, const Panel& panel, std::int64_t values, const QuantisedRows& x,
                         const std::int32_t* columns, std::int64_t column_count, std::int64_t width,
                         std::int64_t start) {
    std::int64_t c = 0;
    for (; c + 4 <= column_count; c += 4) {
        multiply_panel<Type, 4>(out + c * kTileRows, panel, values, x, columns + c, width, start);
    }
    for (; c + 2 <= column_count; c += 2) {
        multiply_panel<Type, 2>(out + c * kTileRows, panel, values, x, columns + c, width, start);
    }
    if (c < column_count)
        multiply_panel<Type, 1>(out + c * kTileRows, panel, values, x, columns + c, width, start);
}

inline bool has_panels(TensorType type) {
    return type == TensorType::Q8_0 || type == TensorType::Q4_K || type == TensorType::Q5_K || type == TensorType::Q6_K;
}

// Of one row's 256 values.
inline std::size_t panel_bytes(TensorType type) {
    switch (type) {
        case TensorType::Q8_0: return 8 * 34;
        case TensorType::Q4_K: return 144;
        case TensorType::Q5_K: return 176;
        default: return 210;
    }
}

// The processor's own prefetching does not follow 16 rows at once: each piece of a row asks for the same piece of the
// row 16 further on, which is the next tile's.
inline void fetch_ahead(const std::byte* at, std::size_t stride, std::size_t bytes) {
    const auto next = reinterpret_cast<std::uintptr_t>(at) + kTileRows * stride;  // may lie behind the end: no access
    for (std::size_t row = 0; row < kTileRows; ++row) {
        for (std::size_t line = 0; line < bytes; line += 64)
            _mm_prefetch(reinterpret_cast<const char*>(next + row * stride + line), _MM_HINT_T0);
    }
}

// 16 rows of a type that has panels, for many columns.
inline void tile_by_panels(float* out, const Matrix& weight, std::int64_t first, const QuantisedRows& x,
                           const std::int32_t* columns, std::int64_t column_count) {
    for (std::int64_t i = 0; i < column_count * kTileRows; i += 8) _mm256_storeu_ps(out + i, _mm256_setzero_ps());
    const std::size_t stride = weight.row_bytes;
    const std::byte* rows = weight.data + static_cast<std::size_t>(first) * stride;
    const std::size_t piece = panel_bytes(weight.type);
    Panel panel;
    for (std::int64_t start = 0; start < weight.cols; start += kPanelValues) {
        const std::int64_t values = weight.cols - start < kPanelValues ? weight.cols - start : kPanelValues;
        fetch_ahead(rows + static_cast<std::size_t>(start / kPanelValues) * piece, stride, piece);
        for (int half = 0; half < kHalves; ++half) {
            const std::byte* at = rows + static_cast<std::size_t>(half) * 8 * stride + start / kPanelValues * static_cast<std::int64_t>(piece);
            switch (weight.type) {
                case TensorType::Q8_0: unpack_q8_0(panel, half, at, stride, values); break;
                case TensorType::Q4_K: unpack_q4_k(panel, half, at, stride); break;
                case TensorType::Q5_K: unpack_q5_k(panel, half, at, stride); break;
                default: unpack_q6_k(panel, half, at, stride); break;
            }
        }
        const auto multiply = [&](auto type) {
            multiply_all<decltype(type)>(out, panel, values, x, columns, column_count, weight.cols, start);
        };
        switch (weight.type) {
            case TensorType::Q8_0: multiply(Q80Panel{}); break;
            case TensorType::Q4_K: multiply(Q4KPanel{}); break;
            case TensorType::Q5_K: multiply(Q5KPanel{}); break;
            default: multiply(Q6KPanel{}); break;
        }
    }
}

}  // namespace
}  // namespace sluice::local_engine::cpu
