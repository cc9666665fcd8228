// AVX2, FMA and F16C. Compiled with those flags: see simd.hpp for what may not be in here.
#include "local_engine/kernels/cpu/simd.hpp"

#if defined(__AVX2__)
#include "local_engine/kernels/cpu/simd_loops.hpp"
#include "local_engine/kernels/cpu/simd_more_rows.hpp"
#include "local_engine/kernels/cpu/simd_panels_avx2.hpp"
#include "local_engine/kernels/cpu/simd_streams_avx2.hpp"
#include "local_engine/kernels/cpu/simd_sums.hpp"

namespace sluice::local_engine::cpu {
namespace {

// Eight sums of four products of bytes. maddubs adds two products in 16 bits: its unsigned operand must stay below 129,
// so signed weights hand their sign to the activations.
struct Dot {
    static __m256i of_unsigned(__m256i q, __m256i x) {
        return _mm256_madd_epi16(_mm256_maddubs_epi16(q, x), _mm256_set1_epi16(1));
    }
    static __m256i of_signed(__m256i q, __m256i x) { return of_unsigned(_mm256_abs_epi8(q), _mm256_sign_epi8(x, q)); }
};

constexpr std::int64_t kFewColumns = 3;  // for which unpacking panels costs more than it saves

// The last rows of a matrix, fewer than a panel, and the types without panels go row by row.
void tile(float* out, const Matrix& weight, std::int64_t first, std::int64_t rows, const QuantisedRows& x,
          const std::int32_t* columns, std::int64_t column_count) {
    if (rows < kTileRows || !has_panels(weight.type)) {
        tile_by_rows<Dot>(out, weight, first, rows, x, columns, column_count);
    } else if (column_count <= kFewColumns) {
        tile_by_streams(out, weight, first, x, columns, column_count);
    } else {
        tile_by_panels(out, weight, first, x, columns, column_count);
    }
}

}  // namespace

const Simd* avx2_simd() {
    static constexpr Simd table{"avx2",    dot,        dot_4_in_vectors, add_4_in_vectors, add_scaled,
                                scale,     multiply,   swiglu,           swiglu_clamped,   geglu,
                                exp_minus, from_half,  from_bfloat,      to_half,          quantise,
                                tile,      has_tile_of};
    return &table;
}

}  // namespace sluice::local_engine::cpu

#else

const sluice::local_engine::cpu::Simd* sluice::local_engine::cpu::avx2_simd() {
    return nullptr;
}

#endif
