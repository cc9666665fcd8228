// Grids and blocks of every kernel, and which of its variants: the operations of Device over a Runtime, which owns the
// memory and offers launch<kernel>(grid, threads, shared bytes, operation). nvcc's runtime is cuda_device.cu, the host's
// tests/kernels/emulated_device.cpp.
#pragma once

#include "local_engine/kernels/cuda/attention.cuh"
#include "local_engine/kernels/cuda/choose.cuh"
#include "local_engine/kernels/cuda/device.hpp"
#include "local_engine/kernels/cuda/products.cuh"
#include "local_engine/kernels/cuda/rows.cuh"

#include <algorithm>
#include <utility>

namespace sluice::local_engine::cuda {

struct Grid {
    std::int64_t x = 1, y = 1, z = 1;

    bool empty() const { return x <= 0 || y <= 0 || z <= 0; }
};

inline namespace SLUICE_TARGET {

constexpr std::int64_t blocks_of(std::int64_t items, std::int64_t size) {
    return (items + size - 1) / size;
}
constexpr std::int64_t kMostGridY = 65535;
constexpr int kColumnTile = 4;  // columns that share an unpacked weight

template <class Runtime>
class DeviceOperations : public Runtime {
public:
    using Runtime::Runtime;

    void embed(const Embed& op) override {
        this->template launch<embed_kernel>({op.batch.count}, kRowThreads, 0, op);
    }
    void norm(const Norm& op) override {
        this->template launch<norm_kernel>({op.rows}, kRowThreads, kRowThreads / kWarp * sizeof(float), op);
    }
    void quantise(const Quantise& op) override {
        const std::int64_t groups = op.rows * (op.width / kGroup);
        this->template launch<quantise_kernel>({blocks_of(groups, kRowThreads / 8)}, kRowThreads, 0, op);
    }
    void activate(const Activate& op) override {
        this->template launch<activate_kernel>({blocks_of(op.count, kRowThreads)}, kRowThreads, 0, op);
    }
    void combine(const Combine& op) override {
        this->template launch<combine_kernel>({blocks_of(op.rows * op.width, kRowThreads)}, kRowThreads, 0, op);
    }
    void choose(const Choose& op) override {
        this->template launch<choose_kernel>({op.rows}, kWarp, choose_shared_bytes(op), op);
    }
    void rotate(const Rotate& op) override {
        this->template launch<rotate_kernel>({op.batch.count, op.attention.heads + op.attention.kv_heads}, kWarp, 0, op);
    }
    void rotate_latent(const RotateLatent& op) override {
        this->template launch<rotate_latent_kernel>({op.batch.count, op.latent.attention.heads + 1}, kWarp, 0, op);
    }
    void absorb_rows(const AbsorbRows& op) override {
        this->template launch<absorb_rows_kernel>({op.columns, blocks_of(op.latent.latent, kWarp)}, kWarp, 0, op);
    }
    void product(const Product& op) override {
        const bool alone = op.columns == 1 || op.slabs != nullptr || op.slab_cycle > 1;
        if (op.x != nullptr) return alone ? float_product<1>(op) : float_product<kColumnTile>(op);
        return alone ? quantised_product<1>(op) : quantised_product<kColumnTile>(op);
    }
    void attend(const Attend& op) override {
        const std::int32_t values = op.attention.values_per_head();
        if (values <= 128) return attend_with<4>(op);
        if (values <= 256) return attend_with<8>(op);
        return attend_with<kMostValues / kWarp>(op);
    }

private:
    template <int kTile>
    static Grid product_grid(const Product& op) {
        return {blocks_of(op.rows, kProductThreads / kWarp), std::min(blocks_of(op.columns, kTile), kMostGridY)};
    }
    template <int kTile>
    void float_product(const Product& op) {
        this->template launch<float_product_kernel<kTile>>(product_grid<kTile>(op), kProductThreads, 0, op);
    }
    template <TensorType kType, int kTile>
    void product_of(const Product& op) {
        this->template launch<quantised_product_kernel<kType, kTile>>(product_grid<kTile>(op), kProductThreads, 0, op);
    }
    template <int kTile>
    void quantised_product(const Product& op) {
        switch (op.weight.type) {
            case TensorType::Q4_0: return product_of<TensorType::Q4_0, kTile>(op);
            case TensorType::Q4_1: return product_of<TensorType::Q4_1, kTile>(op);
            case TensorType::Q5_0: return product_of<TensorType::Q5_0, kTile>(op);
            case TensorType::Q5_1: return product_of<TensorType::Q5_1, kTile>(op);
            case TensorType::Q8_0: return product_of<TensorType::Q8_0, kTile>(op);
            case TensorType::Q2_K: return product_of<TensorType::Q2_K, kTile>(op);
            case TensorType::Q3_K: return product_of<TensorType::Q3_K, kTile>(op);
            case TensorType::Q4_K: return product_of<TensorType::Q4_K, kTile>(op);
            case TensorType::Q5_K: return product_of<TensorType::Q5_K, kTile>(op);
            case TensorType::Q6_K: return product_of<TensorType::Q6_K, kTile>(op);
            case TensorType::IQ4_NL: return product_of<TensorType::IQ4_NL, kTile>(op);
            case TensorType::IQ4_XS: return product_of<TensorType::IQ4_XS, kTile>(op);
            case TensorType::MXFP4: return product_of<TensorType::MXFP4, kTile>(op);
            default: return;  // DeviceKernels multiplies every other type by floats
        }
    }
    template <int kValues>
    void attend_with(const Attend& op) {
        const Attention& a = op.attention;
        const std::int64_t blocks = a.kv_heads * blocks_of(a.heads / a.kv_heads, kAttendWarps);
        const std::int64_t chunks = op.parts != nullptr ? op.chunks : 1;
        this->template launch<attend_kernel<kValues>>({op.batch.count, blocks, chunks}, kAttendWarps * kWarp,
                                                      attend_shared_bytes(a), op);
        if (op.parts == nullptr) return;
        this->template launch<merge_kernel<kValues>>({op.batch.count, a.heads}, kWarp, 0, op);
    }
};

}  // namespace SLUICE_TARGET
}  // namespace sluice::local_engine::cuda
