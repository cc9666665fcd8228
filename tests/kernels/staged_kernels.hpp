// Kernels of a device for tests that keep their numbers in host memory: every call copies its operands to the device,
// computes, and copies the results back. The cache and whatever else came from allocate() stays where it is.
#pragma once

#include "local_engine/kernels/cuda/device_kernels.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace sluice::local_engine::testing {

class StagedKernels final : public Kernels {
public:
    explicit StagedKernels(std::unique_ptr<cuda::DeviceKernels> kernels) : kernels_(std::move(kernels)) {}
    ~StagedKernels() override { free_all(); }

    std::string name() const override { return kernels_->name(); }
    std::string failure() const override { return kernels_->failure(); }
    std::byte* allocate(std::size_t bytes) override { return kernels_->allocate(bytes); }
    Matrix place(const Matrix& weight) override { return weight; }
    void read(std::span<float> out, const float* from) override { std::copy_n(from, out.size(), out.data()); }
    void begin(const Batch& batch) override {
        rows_ = static_cast<std::int64_t>(batch.tokens.size());
        logit_rows_ = static_cast<std::int64_t>(batch.logit_rows.size());
        kernels_->begin(batch);
    }
    void finish() override { kernels_->finish(); }

    void embed(float* out, const Matrix& table, float factor) override {
        kernels_->embed(result(out, rows_ * table.cols), there(table), factor);
        fetch();
    }
    void rms_norm(float* out, const float* x, const float* weight, std::int64_t width, float epsilon) override {
        kernels_->rms_norm(result(out, rows_ * width), there(x, rows_ * width), there(weight, width), width, epsilon);
        fetch();
    }
    void add_rms_norm(float* inout, const float* x, const float* weight, std::int64_t width, float epsilon) override {
        kernels_->add_rms_norm(result(inout, rows_ * width), there(x, rows_ * width), there(weight, width), width, epsilon);
        fetch();
    }
    void matmul(std::span<const Projection> projections, const float* x) override {
        std::vector<Projection> staged;
        for (const auto& [weight, out, how, bias] : projections) {
            staged.push_back({there(weight), result(out, rows_ * weight.rows), how, there(bias, weight.rows)});
        }
        kernels_->matmul(staged, there(x, rows_ * projections.front().weight.cols));
        fetch();
    }
    void rotate_and_store(float* q, float* k, const float* v, const Attention& a, const KvLayer& cache) override {
        const std::int64_t width = rows_ * a.kv_heads * a.head_size;
        kernels_->rotate_and_store(result(q, rows_ * a.heads * a.head_size), result(k, width), there(v, width), there(a), cache);
        fetch();
    }
    void absorb_and_store(float* out, const float* q, float* row, const LatentAttention& latent,
                          const KvLayer& cache) override {
        const Attention& a = latent.attention;
        kernels_->absorb_and_store(result(out, rows_ * a.heads * a.head_size),
                                   there(q, rows_ * a.heads * (latent.nope_size + latent.rope_size)),
                                   result(row, rows_ * a.head_size), there(latent), cache);
        fetch();
    }
    void attend(float* out, const float* q, const Attention& a, const KvLayer& cache) override {
        kernels_->attend(result(out, rows_ * a.heads * a.values_per_head()), there(q, rows_ * a.heads * a.head_size), there(a), cache);
        fetch();
    }
    void expand_values(float* out, const float* mixed, const LatentAttention& latent) override {
        const std::int64_t heads = rows_ * latent.attention.heads;
        kernels_->expand_values(result(out, heads * latent.value_size), there(mixed, heads * latent.latent), there(latent));
        fetch();
    }
    void dense_ffn(float* out, const DenseFfn& ffn, const float* x, Store store) override {
        kernels_->dense_ffn(result(out, rows_ * ffn.down.rows), there(ffn), there(x, rows_ * ffn.gate.cols), store);
        fetch();
    }
    void route(std::int32_t* ids, float* weights, const MoeFfn& ffn, const float* x) override {
        auto* chosen = result(reinterpret_cast<float*>(ids), rows_ * ffn.used);
        kernels_->route(reinterpret_cast<std::int32_t*>(chosen), result(weights, rows_ * ffn.used), there(ffn),
                        there(x, rows_ * ffn.router.weight.cols));
        fetch();
    }
    void moe_ffn(float* inout, const MoeFfn& ffn, const float* x) override {
        const std::int64_t width = ffn.router.weight.cols;
        kernels_->moe_ffn(result(inout, rows_ * width), there(ffn), there(x, rows_ * width));
        fetch();
    }
    void logits(float* out, const Matrix& head, const float* x, const float* norm, float epsilon) override {
        kernels_->logits(result(out, logit_rows_ * head.rows), there(head), there(x, rows_ * head.cols), there(norm, head.cols), epsilon);
        fetch();
    }

private:
    struct Result {
        float* host;
        float* device;
        std::size_t bytes;
    };

    std::byte* copy(const void* from, std::size_t bytes) {
        std::byte* memory = kernels_->device().allocate(bytes);
        if (memory == nullptr) throw std::bad_alloc();
        kernels_->device().upload(memory, from, bytes);
        staged_.push_back(memory);
        return memory;
    }
    const float* there(const float* x, std::int64_t count) {
        return x == nullptr ? nullptr : reinterpret_cast<const float*>(copy(x, static_cast<std::size_t>(count) * sizeof(float)));
    }
    Matrix there(const Matrix& weight) {
        Matrix placed = weight;
        if (weight) placed.data = copy(weight.data, static_cast<std::size_t>(weight.rows) * weight.row_bytes);
        return placed;
    }
    Attention there(const Attention& a) {
        Attention placed = a;
        placed.q_norm = there(a.q_norm, a.head_size);
        placed.k_norm = there(a.k_norm, a.head_size);
        placed.sinks = there(a.sinks, a.heads);
        placed.rope.divisors = there(a.rope.divisors, a.rope.pairs);
        placed.rope.factors = there(a.rope.factors, a.rope.pairs);
        return placed;
    }
    LatentAttention there(const LatentAttention& latent) {
        LatentAttention placed = latent;
        placed.latent_norm = there(latent.latent_norm, latent.latent);
        placed.key = there(latent.key);
        placed.value = there(latent.value);
        placed.attention = there(latent.attention);
        return placed;
    }
    DenseFfn there(const DenseFfn& ffn) { return {there(ffn.gate), there(ffn.up), there(ffn.down), ffn.activation}; }
    MoeFfn there(const MoeFfn& ffn) {
        MoeFfn placed = ffn;
        placed.router.weight = there(ffn.router.weight);
        placed.router.bias = there(ffn.router.bias, ffn.experts);
        placed.router.selection_bias = there(ffn.router.selection_bias, ffn.experts);
        placed.gate = there(ffn.gate);
        placed.up = there(ffn.up);
        placed.down = there(ffn.down);
        placed.gate_bias = there(ffn.gate_bias, ffn.experts * ffn.ffn);
        placed.up_bias = there(ffn.up_bias, ffn.experts * ffn.ffn);
        placed.down_bias = there(ffn.down_bias, ffn.experts * ffn.router.weight.cols);
        placed.shared = there(ffn.shared);
        return placed;
    }
    // Host memory that the call reads and writes.
    float* result(float* host, std::int64_t count) {
        const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(float);
        float* device = reinterpret_cast<float*>(copy(host, bytes));
        results_.push_back({host, device, bytes});
        return device;
    }
    void fetch() {
        kernels_->finish();
        for (const Result& one : results_) kernels_->device().download(one.host, one.device, one.bytes);
        free_all();
    }
    void free_all() {
        results_.clear();
        for (std::byte* memory : staged_) kernels_->device().release(memory);
        staged_.clear();
    }

    std::unique_ptr<cuda::DeviceKernels> kernels_;
    std::int64_t rows_ = 0, logit_rows_ = 0;
    std::vector<std::byte*> staged_;
    std::vector<Result> results_;
};

}  // namespace sluice::local_engine::testing
