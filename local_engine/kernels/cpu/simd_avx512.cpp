// AVX-512 with VNNI. Compiled with those flags: see simd.hpp for what may not be in here.
//
// A panel of 16 rows x 256 values is unpacked into the first cache, four consecutive bytes of a row beside those of the
// other rows, so that one vpdpbusd adds four products for each of 16 rows, and all columns run over it. Unpacking keeps
// up with memory even for one column, and every column is added up in the same order however many there are: an answer
// does not depend on what else is in the step. Only the last rows of a matrix, fewer than 16,
// and the types without panels go row by row.
#include "local_engine/kernels/cpu/simd.hpp"

#if defined(__AVX512VNNI__)
#include "local_engine/kernels/cpu/simd_loops.hpp"
#include "local_engine/kernels/cpu/simd_more_rows.hpp"
#include "local_engine/kernels/cpu/simd_sums.hpp"

namespace sluice::local_engine::cpu {
namespace {

struct Dot {
    static __m256i of_unsigned(__m256i q, __m256i x) { return _mm256_dpbusd_epi32(_mm256_setzero_si256(), q, x); }
    static __m256i of_signed(__m256i q, __m256i x) { return of_unsigned(_mm256_abs_epi8(q), _mm256_sign_epi8(x, q)); }
};

constexpr int kPanelValues = 256;

// 16 rows x up to 256 values: weight = scale * q + offset, q unsigned. quads[k] holds values 4k..4k+3 of each row.
struct Panel {
    __m512i quads[kPanelValues / 4];
    __m512 scales[16];  // per group, for each row
    __m512 offsets[16];
};

// Four bytes of each of the 16 rows.
inline __m512i gather(const std::byte* at, __m512i rows) {
    return _mm512_i32gather_epi32(rows, at, 1);
}

inline __m512 floats_of_low_halves(__m512i words) {
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(words));
}

// 32 bytes of each of 16 rows, `stride` apart, to 8 vectors of four bytes of each row: an 8 x 16 transposition.
// Rows i and i + 4 share a vector, because the last shuffle takes two lanes of each of its operands.
inline void transpose(__m512i* out, const std::byte* at, std::size_t stride) {
    const auto pair = [&](std::size_t row) {
        return _mm512_inserti64x4(_mm512_castsi256_si512(bytes_at(at + row * stride)),
                                  bytes_at(at + (row + 4) * stride), 1);
    };
    __m512i quarters[2][4];
    for (std::size_t half = 0; half < 2; ++half) {
        const __m512i r0 = pair(8 * half);
        const __m512i r1 = pair(8 * half + 1);
        const __m512i r2 = pair(8 * half + 2);
        const __m512i r3 = pair(8 * half + 3);
        const __m512i low01 = _mm512_unpacklo_epi32(r0, r1);
        const __m512i high01 = _mm512_unpackhi_epi32(r0, r1);
        const __m512i low23 = _mm512_unpacklo_epi32(r2, r3);
        const __m512i high23 = _mm512_unpackhi_epi32(r2, r3);
        quarters[half][0] = _mm512_unpacklo_epi64(low01, low23);
        quarters[half][1] = _mm512_unpackhi_epi64(low01, low23);
        quarters[half][2] = _mm512_unpacklo_epi64(high01, high23);
        quarters[half][3] = _mm512_unpackhi_epi64(high01, high23);
    }
    for (int k = 0; k < 4; ++k) {
        out[k] = _mm512_shuffle_i32x4(quarters[0][k], quarters[1][k], 0x88);
        out[k + 4] = _mm512_shuffle_i32x4(quarters[0][k], quarters[1][k], 0xdd);
    }
}

inline void unpack_q8_0(Panel& panel, const std::byte* at, std::size_t stride, __m512i rows, std::int64_t values) {
    for (std::int64_t g = 0; g < values / 32; ++g, at += 34) {
        transpose(panel.quads + 8 * g, at + 2, stride);
        for (int k = 0; k < 8; ++k)
            panel.quads[8 * g + k] = _mm512_xor_si512(panel.quads[8 * g + k], _mm512_set1_epi8(-128));
        panel.scales[g] = floats_of_low_halves(gather(at, rows));
        panel.offsets[g] = _mm512_mul_ps(panel.scales[g], _mm512_set1_ps(-128.0F));
    }
}

inline void unpack_q4_k(Panel& panel, const std::byte* at, std::size_t stride, __m512i rows) {
    const __m512i nibble = _mm512_set1_epi8(15);
    for (int pair = 0; pair < 4; ++pair) {
        __m512i both[8];
        transpose(both, at + 16 + 32 * pair, stride);
        for (int k = 0; k < 8; ++k) {
            panel.quads[16 * pair + k] = _mm512_and_si512(both[k], nibble);
            panel.quads[16 * pair + 8 + k] = _mm512_and_si512(_mm512_srli_epi16(both[k], 4), nibble);
        }
    }
    const __m512i halves = gather(at, rows);
    const __m512 d = floats_of_low_halves(halves);
    const __m512 least = _mm512_mul_ps(floats_of_low_halves(_mm512_srli_epi32(halves, 16)), _mm512_set1_ps(-1.0F));
    const __m512i a = gather(at + 4, rows);
    const __m512i b = gather(at + 8, rows);
    const __m512i c = gather(at + 12, rows);
    const __m512i six = _mm512_set1_epi8(0x3f);
    const __m512i top = _mm512_set1_epi8(0x30);
    const __m512i scales[2] = {
        _mm512_and_si512(a, six),
        _mm512_or_si512(_mm512_and_si512(c, nibble), _mm512_and_si512(_mm512_srli_epi32(a, 2), top))};
    const __m512i leasts[2] = {_mm512_and_si512(b, six),
                               _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi32(c, 4), nibble),
                                               _mm512_and_si512(_mm512_srli_epi32(b, 2), top))};
    for (unsigned g = 0; g < 8; ++g) {
        const auto byte_of = [&](__m512i words) {
            return _mm512_cvtepi32_ps(_mm512_and_si512(_mm512_srli_epi32(words, 8 * (g % 4)), _mm512_set1_epi32(255)));
        };
        panel.scales[g] = _mm512_mul_ps(d, byte_of(scales[g / 4]));
        panel.offsets[g] = _mm512_mul_ps(least, byte_of(leasts[g / 4]));
    }
}

inline void unpack_q6_k(Panel& panel, const std::byte* at, std::size_t stride, __m512i rows) {
    const __m512i nibble = _mm512_set1_epi8(15);
    const __m512i top = _mm512_set1_epi8(0x30);
    for (int h = 0; h < 2; ++h) {
        __m512i a[8];
        __m512i b[8];
        __m512i high[8];
        transpose(a, at + 64 * h, stride);
        transpose(b, at + 64 * h + 32, stride);
        transpose(high, at + 128 + 32 * h, stride);
        __m512i* quads = panel.quads + 32 * h;
        for (int k = 0; k < 8; ++k) {
            const __m512i a_high = _mm512_and_si512(_mm512_srli_epi16(a[k], 4), nibble);
            const __m512i b_high = _mm512_and_si512(_mm512_srli_epi16(b[k], 4), nibble);
            quads[k] =
                _mm512_or_si512(_mm512_and_si512(a[k], nibble), _mm512_and_si512(_mm512_slli_epi16(high[k], 4), top));
            quads[8 + k] =
                _mm512_or_si512(_mm512_and_si512(b[k], nibble), _mm512_and_si512(_mm512_slli_epi16(high[k], 2), top));
            quads[16 + k] = _mm512_or_si512(a_high, _mm512_and_si512(high[k], top));
            quads[24 + k] = _mm512_or_si512(b_high, _mm512_and_si512(_mm512_srli_epi16(high[k], 2), top));
        }
    }
    const __m512 d = floats_of_low_halves(_mm512_srli_epi32(gather(at + 206, rows), 16));
    for (unsigned word = 0; word < 4; ++word) {
        const __m512i four = gather(at + 192 + 4 * word, rows);
        for (unsigned k = 0; k < 4; ++k) {
            const __m512i scale = _mm512_srai_epi32(_mm512_slli_epi32(four, 24 - 8 * k), 24);
            panel.scales[4 * word + k] = _mm512_mul_ps(d, _mm512_cvtepi32_ps(scale));
            panel.offsets[4 * word + k] = _mm512_mul_ps(panel.scales[4 * word + k], _mm512_set1_ps(-32.0F));
        }
    }
}

inline __m512i four_everywhere(const std::int8_t* at) {
    std::int32_t word;
    __builtin_memcpy(&word, at, sizeof(word));
    return _mm512_set1_epi32(word);
}

// out[c][16] += panel · columns[c], whose values from `start` stand against the panel's. kGroup: values per scale.
template <int kGroup, int kColumns>
inline void multiply_panel(float* out, const Panel& panel, std::int64_t values, const QuantisedRows& x,
                           const std::int32_t* columns, std::int64_t width, std::int64_t start) {
    __m512 acc[kColumns];
    const std::int8_t* quads[kColumns];
    const float* scales[kColumns];
    const float* sums[kColumns];
#pragma GCC unroll 8
    for (int c = 0; c < kColumns; ++c) {
        const std::int64_t column = columns[c] * width + start;
        acc[c] = _mm512_loadu_ps(out + c * kTileRows);
        quads[c] = x.values + column;
        scales[c] = x.scales + column / 32;
        sums[c] = kGroup == 32 ? x.sums + column / 32 : x.half_sums + column / 16;
    }
    for (std::int64_t g = 0; g < values / kGroup; ++g) {
        const __m512i* q = panel.quads + g * (kGroup / 4);
#pragma GCC unroll 8
        for (int c = 0; c < kColumns; ++c) {
            __m512i sum = _mm512_setzero_si512();
#pragma GCC unroll 8
            for (int k = 0; k < kGroup / 4; ++k) {
                sum = _mm512_dpbusd_epi32(sum, q[k], four_everywhere(quads[c] + kGroup * g + 4 * k));
            }
            const __m512 factor = _mm512_mul_ps(panel.scales[g], _mm512_set1_ps(scales[c][g * kGroup / 32]));
            acc[c] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), factor, acc[c]);
            acc[c] = _mm512_fmadd_ps(panel.offsets[g], _mm512_set1_ps(sums[c][g]), acc[c]);
        }
    }
#pragma GCC unroll 8
    for (int c = 0; c < kColumns; ++c) _mm512_storeu_ps(out + c * kTileRows, acc[c]);
}

template <int kGroup>
inline void multiply_all(float* out, const Panel& panel, std::int64_t values, const QuantisedRows& x,
                         const std::int32_t* columns, std::int64_t column_count, std::int64_t width,
                         std::int64_t start) {
    std::int64_t c = 0;
    for (; c + 8 <= column_count; c += 8) {
        multiply_panel<kGroup, 8>(out + c * kTileRows, panel, values, x, columns + c, width, start);
    }
    for (; c + 4 <= column_count; c += 4) {
        multiply_panel<kGroup, 4>(out + c * kTileRows, panel, values, x, columns + c, width, start);
    }
    for (; c < column_count; ++c) {
        multiply_panel<kGroup, 1>(out + c * kTileRows, panel, values, x, columns + c, width, start);
    }
}

void tile(float* out, const Matrix& weight, std::int64_t first, std::int64_t rows, const QuantisedRows& x,
          const std::int32_t* columns, std::int64_t column_count) {
    const bool packed =
        weight.type == TensorType::Q8_0 || weight.type == TensorType::Q4_K || weight.type == TensorType::Q6_K;
    if (rows < kTileRows || !packed) return tile_by_rows<Dot>(out, weight, first, rows, x, columns, column_count);
    for (std::int64_t i = 0; i < column_count; ++i) _mm512_storeu_ps(out + i * kTileRows, _mm512_setzero_ps());
    const std::byte* at = weight.data + static_cast<std::size_t>(first) * weight.row_bytes;
    const __m512i row_numbers = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i row_offsets = _mm512_mullo_epi32(row_numbers, _mm512_set1_epi32(static_cast<int>(weight.row_bytes)));
    Panel panel;
    for (std::int64_t start = 0; start < weight.cols; start += kPanelValues) {
        const std::int64_t values = weight.cols - start < kPanelValues ? weight.cols - start : kPanelValues;
        if (weight.type == TensorType::Q8_0) {
            unpack_q8_0(panel, at + start / 32 * 34, weight.row_bytes, row_offsets, values);
        } else if (weight.type == TensorType::Q4_K) {
            unpack_q4_k(panel, at + start / 256 * 144, weight.row_bytes, row_offsets);
        } else {
            unpack_q6_k(panel, at + start / 256 * 210, weight.row_bytes, row_offsets);
        }
        if (weight.type == TensorType::Q6_K) {
            multiply_all<16>(out, panel, values, x, columns, column_count, weight.cols, start);
        } else {
            multiply_all<32>(out, panel, values, x, columns, column_count, weight.cols, start);
        }
    }
}

}  // namespace

const Simd* avx512_vnni_simd() {
    static constexpr Simd table{"avx512-vnni", dot,        dot_4_in_vectors, add_4_in_vectors, add_scaled,
                                scale,         multiply,   swiglu,           swiglu_clamped,   geglu,
                                exp_minus,     from_half,  from_bfloat,      to_half,          quantise,
                                tile,          has_tile_of};
    return &table;
}

}  // namespace sluice::local_engine::cpu

#else

const sluice::local_engine::cpu::Simd* sluice::local_engine::cpu::avx512_vnni_simd() {
    return nullptr;
}

#endif
