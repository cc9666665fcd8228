// Plain loops that the compiler vectorises for the instruction set of the file that includes this. Private to
// simd_*.cpp: everything has internal linkage, because each file's copy is different machine code.
#pragma once

#include "local_engine/kernels/cpu/simd.hpp"

#include <cstdint>

namespace sluice::local_engine::cpu {
namespace {

// Magic number rounding: adding 1.5 * 2^23 leaves the nearest integer, ties to even, in the low bits.
constexpr float kRound = 12582912.0F;

// e^x = 2^n * e^f with |f| <= ln 2 / 2 and the Taylor polynomial of degree 6: relative error below 3e-7. What is not a
// number counts as -87: it has no integer.
inline float exp_of(float x) {
    const float least = x > -87.0F ? x : -87.0F;
    const float clamped = least < 88.0F ? least : 88.0F;
    const float scaled = clamped * 1.44269504088896341F;
    const float whole = (scaled + kRound) - kRound;
    const float f = (clamped - whole * 0.693359375F) - whole * -2.12194440e-4F;
    float sum = 1.0F / 720.0F;
    sum = sum * f + 1.0F / 120.0F;
    sum = sum * f + 1.0F / 24.0F;
    sum = sum * f + 1.0F / 6.0F;
    sum = sum * f + 0.5F;
    sum = sum * f + 1.0F;
    sum = sum * f + 1.0F;
    const std::int32_t bits = (static_cast<std::int32_t>(whole) + 127) << 23;
    return sum * __builtin_bit_cast(float, bits);
}

// a * b + c, in one rounding where the processor has an instruction for it.
inline float fused(float a, float b, float c) {
#if defined(__FMA__)
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

// Sixteen running sums, added up in a fixed order: a vector gives the same bits alone and in a group of four, so that
// an answer does not depend on which other sequences are in the step.
struct Sums {
    float lanes[16] = {};

    inline void add(const float* a, const float* b) {
#pragma omp simd
        for (int i = 0; i < 16; ++i) lanes[i] = fused(a[i], b[i], lanes[i]);
    }
    inline void add_tail(const float* a, const float* b, std::int64_t count) {
        for (std::int64_t i = 0; i < count; ++i) lanes[i] = fused(a[i], b[i], lanes[i]);
    }
    inline float total() const {
        float sums[16];
        for (int i = 0; i < 16; ++i) sums[i] = lanes[i];
        for (int width = 8; width > 0; width /= 2) {
            for (int i = 0; i < width; ++i) sums[i] += sums[i + width];
        }
        return sums[0];
    }
};

inline float dot(const float* a, const float* b, std::int64_t count) {
    Sums sum;
    const std::int64_t whole = count - count % 16;
    for (std::int64_t i = 0; i < whole; i += 16) sum.add(a + i, b + i);
    sum.add_tail(a + whole, b + whole, count - whole);
    return sum.total();
}

inline void dot_4(float* out, const float* a, const float* b, std::int64_t stride, std::int64_t count) {
    Sums s0;
    Sums s1;
    Sums s2;
    Sums s3;
    const std::int64_t whole = count - count % 16;
    for (std::int64_t i = 0; i < whole; i += 16) {
        s0.add(a + i, b + i);
        s1.add(a + i, b + stride + i);
        s2.add(a + i, b + 2 * stride + i);
        s3.add(a + i, b + 3 * stride + i);
    }
    s0.add_tail(a + whole, b + whole, count - whole);
    s1.add_tail(a + whole, b + stride + whole, count - whole);
    s2.add_tail(a + whole, b + 2 * stride + whole, count - whole);
    s3.add_tail(a + whole, b + 3 * stride + whole, count - whole);
    out[0] = s0.total();
    out[1] = s1.total();
    out[2] = s2.total();
    out[3] = s3.total();
}

inline void add_4(float* inout, const float* factors, const float* x, std::int64_t stride, std::int64_t count) {
    const float* x1 = x + stride;
    const float* x2 = x1 + stride;
    const float* x3 = x2 + stride;
    const float f0 = factors[0];
    const float f1 = factors[1];
    const float f2 = factors[2];
    const float f3 = factors[3];
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i)
        inout[i] = fused(f3, x3[i], fused(f2, x2[i], fused(f1, x1[i], fused(f0, x[i], inout[i]))));
}

inline void add_scaled(float* inout, const float* x, float factor, std::int64_t count) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) inout[i] = fused(factor, x[i], inout[i]);
}

inline void scale(float* inout, float factor, std::int64_t count) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) inout[i] *= factor;
}

inline void multiply(float* out, const float* x, const float* weight, float factor, std::int64_t count) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) out[i] = x[i] * factor * weight[i];
}

inline void swiglu(float* out, const float* gate, const float* up, std::int64_t count) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) out[i] = gate[i] / (1.0F + exp_of(-gate[i])) * up[i];
}

// Activation::SwigluClamped
inline void swiglu_clamped(float* out, const float* gate, const float* up, std::int64_t count) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) {
        const float g = gate[i] > 7.0F ? 7.0F : gate[i];
        const float u = up[i] > 7.0F ? 7.0F : (up[i] < -7.0F ? -7.0F : up[i]);
        out[i] = g / (1.0F + exp_of(-1.702F * g)) * (u + 1.0F);
    }
}

// gelu(g) = g / 2 * (1 + tanh(z)) = g * sigmoid(2 z), z = sqrt(2 / pi) * (g + 0.044715 g^3)
inline void geglu(float* out, const float* gate, const float* up, std::int64_t count) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) {
        const float g = gate[i];
        const float z2 = 1.5957691216057308F * (g + 0.044715F * g * g * g);
        out[i] = g / (1.0F + exp_of(-z2)) * up[i];
    }
}

inline float exp_minus(float* inout, float highest, std::int64_t count) {
    float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < count; ++i) {
        inout[i] = exp_of(inout[i] - highest);
        sum += inout[i];
    }
    return sum;
}

inline void from_bfloat(float* out, const std::byte* in, std::int64_t count) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) {
        std::uint16_t high;
        __builtin_memcpy(&high, in + 2 * i, sizeof(high));
        out[i] = __builtin_bit_cast(float, static_cast<std::uint32_t>(high) << 16U);
    }
}

// Broken weights make values that are infinite or not numbers: those count as 0, because they have no integer either.
inline void quantise(std::int8_t* values, float* scales, float* sums, float* half_sums, const float* x,
                     std::int64_t count) {
    constexpr float kLeast = 1e-36F;  // below, 127 / largest is infinite
    for (std::int64_t group = 0; group < count / 32; ++group, x += 32, values += 32) {
        float largest = 0.0F;
#pragma omp simd reduction(max : largest)
        for (int i = 0; i < 32; ++i) {
            const float magnitude = x[i] < 0.0F ? -x[i] : x[i];
            largest = magnitude > largest ? magnitude : largest;
        }
        const float step = largest / 127.0F;
        const float inverse = largest > kLeast ? 127.0F / largest : 0.0F;
        for (int half = 0; half < 2; ++half) {
            std::int32_t sum = 0;
#pragma omp simd reduction(+ : sum)
            for (int i = 16 * half; i < 16 * half + 16; ++i) {
                const float scaled = x[i] * inverse;
                const float sound = scaled == scaled ? scaled : 0.0F;
                const auto value = static_cast<std::int32_t>((sound + kRound) - kRound);
                values[i] = static_cast<std::int8_t>(value);
                sum += value;
            }
            half_sums[2 * group + half] = step * static_cast<float>(sum);
        }
        scales[group] = step;
        sums[group] = half_sums[2 * group] + half_sums[2 * group + 1];
    }
}

}  // namespace
}  // namespace sluice::local_engine::cpu
