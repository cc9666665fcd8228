// The fast backend for processors. Private to this folder; made by make_cpu_kernels.
// cpu_kernels.cpp: rows and products, attention.cpp, ffn.cpp; the inner loops are in simd*.
#pragma once

#include "local_engine/kernels/cpu/products.hpp"
#include "local_engine/kernels/cpu/simd.hpp"
#include "local_engine/kernels/cpu/thread_pool.hpp"
#include "local_engine/kernels/host_kernels.hpp"

#include <vector>

namespace sluice::local_engine::cpu {

class CpuKernels final : public HostKernels {
public:
    CpuKernels(const Simd& simd, int threads, Activations activations);

    std::string name() const override;
    void begin(const Batch& batch) override;
    void embed(float* out, const Matrix& table) override;
    void rms_norm(float* out, const float* x, const float* weight, std::int64_t width, float epsilon) override;
    void matmul(std::span<const Projection> projections, const float* x) override;
    void rotate_and_store(float* q, float* k, const float* v, const Attention& attention,
                          const KvLayer& cache) override;
    void attend(float* out, const float* q, const Attention& attention, const KvLayer& cache) override;
    void dense_ffn(float* inout, const DenseFfn& ffn, const float* x) override;
    void route(std::int32_t* ids, float* weights, const MoeFfn& ffn, const float* x) override;
    void moe_ffn(float* inout, const MoeFfn& ffn, const float* x) override;
    void logits(float* out, const Matrix& head, const float* x, const float* norm, float epsilon) override;

private:
    // Neighbouring tokens of one sequence whose attention is computed together.
    struct QueryTile {
        std::int64_t first = 0;
        std::int64_t count = 0;
    };
    struct AttentionScratch {
        std::vector<float> keys, values;    // one page of one head, (kPageTokens, head_size)
        std::vector<float> scores;          // (kPageTokens)
        std::vector<float> highest, total;  // per query
    };
    // Tokens that go through the same weights: columns[i] is the row of the input, position first + i of the hidden
    // rows.
    struct Group {
        std::int64_t expert = 0;
        std::int64_t first = 0;
        std::int64_t count = 0;
    };

    void norm_row(float* out, const float* x, const float* weight, std::int64_t width, float epsilon) const;
    void project(std::span<const Projection> projections, Rows& x, std::int64_t rows);
    void prepare_rotation(const Rope& rope);
    void rotate(float* head, const Rope& rope, std::int64_t row) const;
    void attend_tile(float* out, const float* q, const QueryTile& tile, std::int64_t kv_head,
                     const Attention& attention, const KvLayer& cache, AttentionScratch& scratch) const;
    const float* page_floats(std::vector<float>& scratch, const std::byte* cache, KvType type, std::size_t offset,
                             std::int64_t count) const;
    void group_by_expert(const MoeFfn& ffn);
    void hidden_rows(const Matrix& gate, const Matrix& up, std::int64_t ffn, Rows& x);

    const Simd& simd_;
    ThreadPool pool_;
    Products products_;
    std::vector<std::int32_t> identity_;  // 0, 1, 2, ...
    Rows input_, hidden_, normed_;
    const float* rotation_of_ = nullptr;  // the frequencies that rotation_ was computed for, in this batch
    std::vector<float> rotation_;         // (n, pairs, 2) cosine and sine
    std::vector<QueryTile> tiles_;
    std::vector<AttentionScratch> attention_;  // by thread
    std::vector<Group> groups_;
    std::vector<std::int32_t> columns_;        // input rows, in order of group
    std::vector<std::int32_t> expert_ids_;     // (n, used)
    std::vector<float> expert_weights_;        // (n, used)
    std::vector<std::int32_t> slot_position_;  // (n, used) where each choice stands among the hidden rows
    std::vector<float> expert_out_;            // (n * used, width)
};

}  // namespace sluice::local_engine::cpu
