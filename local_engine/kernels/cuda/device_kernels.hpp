// The kernels of kernels.hpp on a Device: which operations make up each call, and the memory between them. Knows
// nothing of CUDA, so tests run it over the emulated device. What cannot be computed shows in failure(); read() and
// finish() then throw std::runtime_error, because there is nothing to read.
#pragma once

#include "local_engine/kernels/cuda/device.hpp"
#include "local_engine/kernels/host_kernels.hpp"
#include "local_engine/kernels/kernels.hpp"

#include <memory>
#include <vector>

namespace sluice::local_engine::cuda {

class DeviceKernels final : public Kernels {
public:
    DeviceKernels(std::unique_ptr<Device> device, Activations activations);
    ~DeviceKernels() override;

    std::string name() const override { return device_->name(); }
    std::string failure() const override { return failure_.empty() ? device_->failure() : failure_; }
    std::uint64_t own_memory() const override { return device_->free_memory(); }
    std::byte* allocate(std::size_t bytes) override;
    Matrix place(const Matrix& weight) override;
    void read(std::span<float> out, const float* device) override;
    void begin(const Batch& batch) override;
    void embed(float* out, const Matrix& table, float factor) override;
    void rms_norm(float* out, const float* x, const float* weight, std::int64_t width, float epsilon) override;
    void add_rms_norm(float* inout, const float* x, const float* weight, std::int64_t width, float epsilon) override;
    void matmul(std::span<const Projection> projections, const float* x) override;
    void rotate_and_store(float* q, float* k, const float* v, const Attention& attention, const KvLayer& cache) override;
    void absorb_and_store(float* out, const float* q, float* row, const LatentAttention& attention,
                          const KvLayer& cache) override;
    void attend(float* out, const float* q, const Attention& attention, const KvLayer& cache) override;
    void expand_values(float* out, const float* mixed, const LatentAttention& attention) override;
    void dense_ffn(float* out, const DenseFfn& ffn, const float* x, Store store) override;
    void route(std::int32_t* ids, float* weights, const MoeFfn& ffn, const float* x) override;
    void moe_ffn(float* inout, const MoeFfn& ffn, const float* x) override;
    void logits(float* out, const Matrix& head, const float* x, const float* norm, float epsilon) override;
    void finish() override;

    Device& device() { return *device_; }  // for tests

private:
    // Device memory that grows to its largest use and stays.
    struct Scratch {
        std::byte* memory = nullptr;
        std::size_t bytes = 0;
    };
    // Rows that products read: as they are, and in 8 bits once a product wants them.
    struct Rows {
        const float* floats = nullptr;
        std::int64_t rows = 0, width = 0;
        bool quantised = false;
    };

    std::byte* grown(Scratch& scratch, std::size_t bytes);
    float* floats(Scratch& scratch, std::int64_t rows, std::int64_t width);
    std::int64_t count() const { return batch_.size(); }
    bool wants_quantised(const Matrix& weight) const;
    void multiply(Product product, Rows& x);
    Rows hidden_rows(const Product& gate, const Product& up, Activation activation, Rows& x);
    void require_known(const KvLayer& cache);
    void fail(std::string what);
    void throw_on_failure() const;

    std::unique_ptr<Device> device_;
    Activations activations_;
    std::string failure_;
    OwnedBatch batch_;
    std::vector<std::int32_t> numbers_;  // all of the batch, as uploaded
    Tokens tokens_;
    const std::int32_t* logit_rows_ = nullptr;
    std::vector<std::byte*> memory_;
    Scratch batch_memory_, quanta_, scales_, sums_, gate_, up_, expert_out_, ids_, weights_, router_, normed_, parts_;
};

}  // namespace sluice::local_engine::cuda
