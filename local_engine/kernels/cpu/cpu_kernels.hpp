// The fast backend for processors. Private to this folder; made by make_cpu_kernels.
// cpu_kernels.cpp: rows and products, attention.cpp, latent.cpp, ffn.cpp; the inner loops are in simd*.
#pragma once

#include "local_engine/kernels/cpu/products.hpp"
#include "local_engine/kernels/cpu/simd.hpp"
#include "local_engine/kernels/cpu/thread_pool.hpp"
#include "local_engine/kernels/host_kernels.hpp"

#include <array>
#include <vector>

namespace sluice::local_engine::cpu {

class CpuKernels final : public HostKernels {
public:
    CpuKernels(const Simd& simd, int threads, Activations activations);

    std::string name() const override;
    void begin(const Batch& batch) override;
    void embed(float* out, const Matrix& table, float factor) override;
    void rms_norm(float* out, const float* x, const float* weight, std::int64_t width, float epsilon) override;
    void add_rms_norm(float* inout, const float* x, const float* weight, std::int64_t width, float epsilon) override;
    void matmul(std::span<const Projection> projections, const float* x) override;
    void rotate_and_store(float* q, float* k, const float* v, const Attention& attention,
                          const KvLayer& cache) override;
    void absorb_and_store(float* out, const float* q, float* row, const LatentAttention& attention,
                          const KvLayer& cache) override;
    void attend(float* out, const float* q, const Attention& attention, const KvLayer& cache) override;
    void expand_values(float* out, const float* mixed, const LatentAttention& attention) override;
    void dense_ffn(float* out, const DenseFfn& ffn, const float* x, Store store) override;
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
        std::vector<float> keys, values;    // one page of one head, (kPageTokens, head_size or value size)
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

    // One head of the products of all tokens with that head's rows of a weight.
    struct HeadProduct {
        const Matrix& weight;
        std::int64_t first, stride;  // row of head 0, rows from head to head
        std::int64_t rows;           // of one head
    };
    // Sines and cosines of one Rope for the tokens of this batch.
    struct Rotation {
        const float* of = nullptr;  // its factors; null: not computed yet in this batch
        std::vector<float> turns;   // (n, pairs, 2) cosine and sine
    };
    // Query heads that read the same keys and are computed by one task.
    struct QueryBlock {
        QueryTile tile;
        std::int64_t kv_head = 0;
        std::int64_t first_head = 0;
        std::int64_t heads = 0;
    };

    // Calls body(row, thread) for all rows; one thread does it where waking the others would take longer.
    template <class Body>
    void each_row(std::int64_t rows, std::int64_t width, const Body& body) {
        if (rows * width >= std::int64_t{1} << 14U) return pool_.for_each(rows, body);
        for (std::int64_t row = 0; row < rows; ++row) body(row, 0);
    }
    void norm_row(float* out, const float* x, const float* weight, std::int64_t width, float epsilon) const;
    void project(std::span<const Projection> projections, Rows& x, std::int64_t rows);
    const float* rotation_for(const Rope& rope);
    static void rotate(float* head, const Rope& rope, const float* turns);
    void store(std::byte* cache, KvType type, std::size_t offset, const float* values, std::int64_t count) const;
    void gather_heads(const float* x, std::int64_t stride, std::int64_t heads, std::int64_t size);
    void head_products(float* out, std::int64_t out_stride, const HeadProduct& product, std::int64_t heads);
    void absorb_rows(float* out, const float* q, const LatentAttention& attention);
    void attend_block(float* out, const float* q, const QueryBlock& block, const Attention& attention,
                      const KvLayer& cache, AttentionScratch& scratch) const;
    const float* page_floats(std::vector<float>& scratch, const std::byte* cache, KvType type, std::size_t offset,
                             std::int64_t count) const;
    void activate(Activation activation, float* out, const float* gate, const float* up, std::int64_t count) const;
    void group_by_expert(const MoeFfn& ffn);
    struct GateAndUp {
        const Matrix& gate;
        const Matrix& up;
        std::int64_t ffn;
        Activation activation;
        const float* gate_bias;
        const float* up_bias;
        bool weigh;  // both products by the weight of their column's choice
    };
    void hidden_rows(const GateAndUp& what, Rows& x);
    void number_rows(std::size_t count);

    const Simd& simd_;
    ThreadPool pool_;
    Products products_;
    std::vector<std::int32_t> identity_;  // 0, 1, 2, ...
    Rows input_, hidden_, normed_;
    std::array<Rotation, 2> rotations_;  // models turn by one or two tables
    std::vector<QueryTile> tiles_;
    std::vector<AttentionScratch> attention_;  // by thread
    std::vector<Group> groups_;
    std::vector<std::int32_t> columns_;        // input rows, in order of group
    std::vector<std::int32_t> expert_ids_;     // (n, used)
    std::vector<float> expert_weights_;        // (n, used)
    std::vector<float> column_weights_;        // the same in the order of columns_
    std::vector<std::int32_t> slot_position_;  // (n, used) where each choice stands among the hidden rows
    std::vector<float> expert_out_;            // (n * used, width)
};

}  // namespace sluice::local_engine::cpu
