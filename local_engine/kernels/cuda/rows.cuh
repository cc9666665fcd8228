// Kernels over rows of activations: embedding, RMS norm, quantising to 8 bits, activation functions.
#pragma once

#include "local_engine/kernels/cuda/formats.cuh"

namespace sluice::local_engine::cuda {
inline namespace SLUICE_TARGET {

// Rows are spread over x and y of the grid: y alone ends at 65535.
inline constexpr std::int32_t kRowThreads = 128;

// Block: one token. Its threads take groups of 32 values, or single values of float types.
SLUICE_KERNEL void SLUICE_THREADS(kRowThreads) embed_kernel(Embed op) {
    const std::int64_t token = block_x();
    const Byte* row = row_at(op.table, op.batch.tokens[token]);
    float* out = op.out + token * op.table.cols;
    if (is_float(op.table.type)) {
        for (std::int64_t i = thread(); i < op.table.cols; i += threads()) {
            out[i] = float_at(op.table.type, row, i) * op.factor;
        }
        return;
    }
    for (std::int64_t g = thread(); g < op.table.cols / kGroup; g += threads()) {
        const Group group = unpack_any(op.table.type, row, g);
        for (int e = 0; e < kGroup; ++e) out[g * kGroup + e] = group_value(group, e) * op.factor;
    }
}

// The sum of all threads' values, for all of them. `scratch` holds one float per warp, and is free again afterwards.
SLUICE_DEVICE float block_sum(float value, float* scratch) {
    value = warp_sum(value);
    if (lane() == 0) scratch[warp()] = value;
    barrier();
    float sum = 0.0F;
    for (std::int32_t w = 0; w < warps(); ++w) sum += scratch[w];
    barrier();
    return sum;
}

// Block: one row. out (+)= x / sqrt(mean(x²) + epsilon) * weight
SLUICE_KERNEL void SLUICE_THREADS(kRowThreads) norm_kernel(Norm op) {
    const std::int64_t row = block_x();
    const float* x = op.x + (op.from != nullptr ? op.from[row] : row) * op.width;
    float* out = op.out + row * op.width;
    float squares = 0.0F;
    for (std::int64_t i = thread(); i < op.width; i += threads()) squares += x[i] * x[i];
    squares = block_sum(squares, shared_array<float*>(kRowThreads / kWarp * sizeof(float)));
    const float factor = 1.0F / sqrtf(squares / static_cast<float>(op.width) + op.epsilon);
    for (std::int64_t i = thread(); i < op.width; i += threads()) {
        const float value = x[i] * factor * op.weight[i];
        out[i] = op.store == Store::Add ? out[i] + value : value;
    }
}

// Eight lanes share a group, four values each.
SLUICE_KERNEL void SLUICE_THREADS(kRowThreads) quantise_kernel(Quantise op) {
    const std::int64_t groups = op.rows * (op.width / kGroup);
    const std::int64_t group = block_x() * (kRowThreads / 8) + thread() / 8;
    const bool there = group < groups;  // lanes without a group still take part in the exchanges
    const std::int64_t first = group * kGroup + thread() % 8 * 4;
    float x[4];
    float most = 0.0F;
    SLUICE_UNROLL
    for (int i = 0; i < 4; ++i) {
        x[i] = there ? op.x[first + i] : 0.0F;
        most = fmaxf(most, fabsf(x[i]));
    }
    SLUICE_UNROLL
    for (std::int32_t step = 4; step > 0; step /= 2) most = fmaxf(most, from_lane(most, lane() ^ step));
    const float inverse = most > 0.0F ? 127.0F / most : 0.0F;
    std::int32_t sum = 0;
    SLUICE_UNROLL
    for (int i = 0; i < 4; ++i) {
        const auto quantum = static_cast<std::int32_t>(rintf(fminf(fmaxf(x[i] * inverse, -127.0F), 127.0F)));
        sum += quantum;
        if (there) op.out.values[first + i] = static_cast<std::int8_t>(quantum);
    }
    SLUICE_UNROLL
    for (std::int32_t step = 2; step > 0; step /= 2) sum += from_lane(sum, lane() ^ step);
    if (!there) return;
    if (thread() % 8 == 0) op.out.scales[group] = most / 127.0F;
    if (thread() % 4 == 0) op.out.sums[2 * group + thread() % 8 / 4] = sum;
}

SLUICE_DEVICE float sigmoid(float x) { return 1.0F / (1.0F + expf(-x)); }

SLUICE_DEVICE float activated(Activation activation, float gate, float up) {
    if (activation == Activation::SwigluClamped) {
        const float g = fminf(gate, 7.0F);
        return g * sigmoid(1.702F * g) * (fminf(fmaxf(up, -7.0F), 7.0F) + 1.0F);
    }
    if (activation == Activation::Geglu) {
        constexpr float kRootOfTwoByPi = 0.797884560802865F;
        return 0.5F * gate * (1.0F + tanhf(kRootOfTwoByPi * (gate + 0.044715F * gate * gate * gate))) * up;
    }
    return gate * sigmoid(gate) * up;
}

SLUICE_KERNEL void SLUICE_THREADS(kRowThreads) activate_kernel(Activate op) {
    const std::int64_t i = block_x() * kRowThreads + thread();
    if (i < op.count) op.out[i] = activated(op.activation, op.gate[i], op.up[i]);
}

// Slots are added in their order, so the sum is the same in any batch.
SLUICE_KERNEL void SLUICE_THREADS(kRowThreads) combine_kernel(Combine op) {
    const std::int64_t i = block_x() * kRowThreads + thread();
    if (i >= op.rows * op.width) return;
    const std::int64_t row = i / op.width;
    float sum = op.inout[i];
    for (std::int64_t slot = row * op.used; slot < (row + 1) * op.used; ++slot) {
        sum += (op.weights != nullptr ? op.weights[slot] : 1.0F) * op.x[slot * op.width + i % op.width];
    }
    op.inout[i] = sum;
}

}  // namespace SLUICE_TARGET
}  // namespace sluice::local_engine::cuda
