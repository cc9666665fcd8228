// AVX2, FMA and F16C. Compiled with those flags: see simd.hpp for what may not be in here.
#include "local_engine/kernels/cpu/simd.hpp"

#if defined(__AVX2__)
#include "local_engine/kernels/cpu/simd_loops.hpp"
#include "local_engine/kernels/cpu/simd_more_rows.hpp"

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

}  // namespace

const Simd* avx2_simd() {
    static constexpr Simd table{
        "avx2", dot,       dot_4,     add_4,       add_scaled, scale,    multiply,          swiglu,     swiglu_clamped,
        geglu,  exp_minus, from_half, from_bfloat, to_half,    quantise, tile_by_rows<Dot>, has_tile_of};
    return &table;
}

}  // namespace sluice::local_engine::cpu

#else

const sluice::local_engine::cpu::Simd* sluice::local_engine::cpu::avx2_simd() {
    return nullptr;
}

#endif
