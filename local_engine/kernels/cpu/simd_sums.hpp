// Sixteen running sums of floats in vectors: dot_4 and add_4 of simd_loops.hpp to the last bit. Written out for what a
// compiler makes of the loops when a sanitizer checks every access: here one check covers a whole vector. Private to
// simd_*.cpp, with internal linkage as in simd_loops.hpp.
#pragma once

#include "local_engine/kernels/cpu/simd_loops.hpp"

#include <immintrin.h>

#include <cstdint>

namespace sluice::local_engine::cpu {
namespace {

// Four times sixteen sums, the upper eight already added to the lower: what is left of Sums::total().
inline void store_totals(float* out, const __m256* eights) {
    __m128 lanes[4];
    for (int k = 0; k < 4; ++k)
        lanes[k] = _mm_add_ps(_mm256_castps256_ps128(eights[k]), _mm256_extractf128_ps(eights[k], 1));
    _MM_TRANSPOSE4_PS(lanes[0], lanes[1], lanes[2], lanes[3]);
    _mm_storeu_ps(out, _mm_add_ps(_mm_add_ps(lanes[0], lanes[2]), _mm_add_ps(lanes[1], lanes[3])));
}

#if defined(__AVX512F__)

inline void dot_4_in_vectors(float* out, const float* a, const float* b, std::int64_t stride, std::int64_t count) {
    if (count % 16 != 0) return dot_4(out, a, b, stride, count);
    __m512 sums[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
    for (std::int64_t i = 0; i < count; i += 16) {
        const __m512 x = _mm512_loadu_ps(a + i);
        for (int k = 0; k < 4; ++k) sums[k] = _mm512_fmadd_ps(x, _mm512_loadu_ps(b + k * stride + i), sums[k]);
    }
    __m256 eights[4];
    for (int k = 0; k < 4; ++k)
        eights[k] = _mm256_add_ps(_mm512_castps512_ps256(sums[k]), _mm512_extractf32x8_ps(sums[k], 1));
    store_totals(out, eights);
}

inline void add_4_in_vectors(float* inout, const float* factors, const float* x, std::int64_t stride,
                             std::int64_t count) {
    const std::int64_t whole = count - count % 16;
    for (std::int64_t i = 0; i < whole; i += 16) {
        __m512 sum = _mm512_loadu_ps(inout + i);
        for (int k = 0; k < 4; ++k)
            sum = _mm512_fmadd_ps(_mm512_set1_ps(factors[k]), _mm512_loadu_ps(x + k * stride + i), sum);
        _mm512_storeu_ps(inout + i, sum);
    }
    if (whole < count) add_4(inout + whole, factors, x + whole, stride, count - whole);
}

#else

inline void dot_4_in_vectors(float* out, const float* a, const float* b, std::int64_t stride, std::int64_t count) {
    if (count % 16 != 0) return dot_4(out, a, b, stride, count);
    __m256 low[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
    __m256 high[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
    for (std::int64_t i = 0; i < count; i += 16) {
        const __m256 x_low = _mm256_loadu_ps(a + i);
        const __m256 x_high = _mm256_loadu_ps(a + i + 8);
        for (int k = 0; k < 4; ++k) {
            low[k] = _mm256_fmadd_ps(x_low, _mm256_loadu_ps(b + k * stride + i), low[k]);
            high[k] = _mm256_fmadd_ps(x_high, _mm256_loadu_ps(b + k * stride + i + 8), high[k]);
        }
    }
    for (int k = 0; k < 4; ++k) low[k] = _mm256_add_ps(low[k], high[k]);
    store_totals(out, low);
}

inline void add_4_in_vectors(float* inout, const float* factors, const float* x, std::int64_t stride,
                             std::int64_t count) {
    const std::int64_t whole = count - count % 8;
    for (std::int64_t i = 0; i < whole; i += 8) {
        __m256 sum = _mm256_loadu_ps(inout + i);
        for (int k = 0; k < 4; ++k)
            sum = _mm256_fmadd_ps(_mm256_set1_ps(factors[k]), _mm256_loadu_ps(x + k * stride + i), sum);
        _mm256_storeu_ps(inout + i, sum);
    }
    if (whole < count) add_4(inout + whole, factors, x + whole, stride, count - whole);
}

#endif

}  // namespace
}  // namespace sluice::local_engine::cpu
