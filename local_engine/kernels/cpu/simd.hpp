// The inner loops of the CPU backend, once per instruction set. One table of functions is chosen at start.
// The files simd_*.cpp are compiled for machines this program may not run on: nothing else may be defined in them, and
// no inline function of a common header may be called from them (the linker would keep one copy for all).
#pragma once

#include "local_engine/kernels/kernels.hpp"

#include <cstdint>
#include <string_view>

namespace sluice::local_engine::cpu {

// Rows of activations in 8 bits: groups of 32 values, x ≈ scale * value, rounded to nearest, ties to even.
struct QuantisedRows {
    std::int8_t* values = nullptr;  // (rows, width), in [-127, 127]
    float* scales = nullptr;        // (rows, width / 32)
    float* sums = nullptr;          // (rows, width / 32) scale * sum of the group's values: for weights with an offset
    float* half_sums = nullptr;     // (rows, width / 16) the same for groups of 16
};

inline constexpr std::int64_t kTileRows = 16;  // weight rows computed together

struct Simd {
    std::string_view name;

    float (*dot)(const float* a, const float* b, std::int64_t count);
    // out[i] = a · b_i for four vectors `stride` apart
    void (*dot_4)(float* out, const float* a, const float* b, std::int64_t stride, std::int64_t count);
    // inout += f[0] * x_0 + ... + f[3] * x_3 for four vectors `stride` apart
    void (*add_4)(float* inout, const float* factors, const float* x, std::int64_t stride, std::int64_t count);
    void (*add_scaled)(float* inout, const float* x, float factor, std::int64_t count);
    void (*scale)(float* inout, float factor, std::int64_t count);
    void (*multiply)(float* out, const float* x, const float* weight, float factor,
                     std::int64_t count);  // x * factor * weight
    void (*swiglu)(float* out, const float* gate, const float* up, std::int64_t count);
    void (*swiglu_clamped)(float* out, const float* gate, const float* up, std::int64_t count);
    void (*geglu)(float* out, const float* gate, const float* up, std::int64_t count);
    float (*exp_minus)(float* inout, float highest, std::int64_t count);  // inout = exp(inout - highest); their sum
    void (*from_half)(float* out, const std::byte* in, std::int64_t count);
    void (*from_bfloat)(float* out, const std::byte* in, std::int64_t count);
    void (*to_half)(std::byte* out, const float* in, std::int64_t count);
    // One row; count a multiple of 32.
    void (*quantise)(std::int8_t* values, float* scales, float* sums, float* half_sums, const float* x,
                     std::int64_t count);
    // out[c * kTileRows + r] = row (first + r) of weight · row columns[c] of x, r < rows <= kTileRows.
    // Types for which has_tile is true only.
    void (*tile)(float* out, const Matrix& weight, std::int64_t first, std::int64_t rows, const QuantisedRows& x,
                 const std::int32_t* columns, std::int64_t column_count);
    bool (*has_tile)(TensorType type);  // of types whose weights are multiplied by 8-bit activations
};

const Simd& scalar_simd();
const Simd* avx2_simd();  // null when built for another processor family
const Simd* avx512_vnni_simd();

// The named set, or the best for an empty name; null when this machine lacks it.
const Simd* choose_simd(std::string_view name);

}  // namespace sluice::local_engine::cpu
