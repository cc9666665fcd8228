// Products of weight rows with columns of activations: one warp per weight row, so that a decoding step reads every
// weight once, in order, and sums up without shared memory. Up to kTile columns share what was unpacked. The sum of one
// column is formed the same way in any batch.
#pragma once

#include "local_engine/kernels/cuda/formats.cuh"

namespace sluice::local_engine::cuda {
inline namespace SLUICE_TARGET {

inline constexpr std::int32_t kProductThreads = 128;

struct Slab {
    std::int64_t index, first;  // and its first weight row
};
SLUICE_DEVICE Slab slab_of(const Product& op, std::int64_t column) {
    const std::int64_t index = op.slabs != nullptr ? op.slabs[column] : column % op.slab_cycle;
    return {index, op.first + index * op.stride};
}

SLUICE_DEVICE void put(const Product& op, std::int64_t row, std::int64_t column, float sum) {
    if (op.factors != nullptr) sum *= op.factors[column];
    if (op.bias != nullptr) sum += op.bias[slab_of(op, column).index * op.rows + row];
    float* out = op.out + column * op.out_stride + row;
    *out = op.store == Store::Add ? *out + sum : sum;
}

// sum += weight row · column, of one group of 32
SLUICE_DEVICE float add_group(float sum, const Group& weight, const Quantised& x, std::int64_t group) {
    const auto* quanta = x.values + group * kGroup;
    std::int32_t halves[2] = {0, 0};
    SLUICE_UNROLL
    for (int i = 0; i < 8; ++i) halves[i / 4] = dot4(weight.q[i], load<std::int32_t>(quanta + 4 * i), halves[i / 4]);
    float dot = 0.0F;
    SLUICE_UNROLL
    for (int h = 0; h < 2; ++h) {
        dot += weight.scale[h] * static_cast<float>(halves[h]) +
               weight.offset[h] * static_cast<float>(x.sums[2 * group + h]);
    }
    return sum + x.scales[group] * dot;
}

// Grid: (weight rows / warps, tiles of columns). Tiles of more than one column have one slab.
template <TensorType kType, int kTile>
SLUICE_KERNEL void SLUICE_THREADS(kProductThreads) quantised_product_kernel(Product op) {
    const std::int64_t row = block_x() * warps() + warp();
    if (row >= op.rows) return;  // a whole warp
    const std::int64_t groups = op.weight.cols / kGroup;
    for (std::int64_t column = block_y() * kTile; column < op.columns; column += grid_y() * kTile) {
        const Byte* weights = row_at(op.weight, slab_of(op, column).first + row);
        float sums[kTile] = {};
        for (std::int64_t group = lane(); group < groups; group += kWarp) {
            const Group weight = unpack<kType>(weights, group);
            SLUICE_UNROLL
            for (int c = 0; c < kTile; ++c) {
                // Columns beyond the last repeat it: no branch, and nobody writes them.
                const std::int64_t at = column + c < op.columns ? column + c : op.columns - 1;
                sums[c] = add_group(sums[c], weight, op.quantised, at / op.columns_per_input * groups + group);
            }
        }
        SLUICE_UNROLL
        for (int c = 0; c < kTile; ++c) {
            const float sum = warp_sum(sums[c]);
            if (lane() == 0 && column + c < op.columns) put(op, row, column + c, sum);
        }
    }
}

SLUICE_DEVICE float add_group(float sum, const Group& weight, const float* x) {
    SLUICE_UNROLL
    for (int h = 0; h < 2; ++h) {
        float products = 0.0F;
        float values = 0.0F;
        SLUICE_UNROLL
        for (int e = 0; e < kGroup / 2; ++e) {
            const auto quantum = static_cast<std::int8_t>(weight.q[4 * h + e / 4] >> (8 * (e % 4)));
            products += static_cast<float>(quantum) * x[16 * h + e];
            values += x[16 * h + e];
        }
        sum += weight.scale[h] * products + weight.offset[h] * values;
    }
    return sum;
}

// The same with float activations, for weights of any type.
template <int kTile>
SLUICE_KERNEL void SLUICE_THREADS(kProductThreads) float_product_kernel(Product op) {
    const std::int64_t row = block_x() * warps() + warp();
    if (row >= op.rows) return;
    const std::int64_t groups = is_float(op.weight.type) ? 0 : op.weight.cols / kGroup;
    for (std::int64_t column = block_y() * kTile; column < op.columns; column += grid_y() * kTile) {
        const Byte* weights = row_at(op.weight, slab_of(op, column).first + row);
        const float* inputs[kTile];
        float sums[kTile] = {};
        SLUICE_UNROLL
        for (int c = 0; c < kTile; ++c) {
            const std::int64_t at = column + c < op.columns ? column + c : op.columns - 1;
            inputs[c] = op.x + at / op.columns_per_input * op.x_stride;
        }
        for (std::int64_t group = lane(); group < groups; group += kWarp) {
            const Group weight = unpack_any(op.weight.type, weights, group);
            SLUICE_UNROLL
            for (int c = 0; c < kTile; ++c) sums[c] = add_group(sums[c], weight, inputs[c] + group * kGroup);
        }
        for (std::int64_t i = lane(); groups == 0 && i < op.weight.cols; i += kWarp) {
            const float weight = float_at(op.weight.type, weights, i);
            SLUICE_UNROLL
            for (int c = 0; c < kTile; ++c) sums[c] += weight * inputs[c][i];
        }
        SLUICE_UNROLL
        for (int c = 0; c < kTile; ++c) {
            const float sum = warp_sum(sums[c]);
            if (lane() == 0 && column + c < op.columns) put(op, row, column + c, sum);
        }
    }
}

}  // namespace SLUICE_TARGET
}  // namespace sluice::local_engine::cuda
