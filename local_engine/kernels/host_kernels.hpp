// What the backends that compute in this process's memory share: their memory, and the step's batch.
#pragma once

#include "local_engine/kernels/kernels.hpp"

#include <memory>
#include <vector>

namespace sluice::local_engine {

// A Batch that owns its numbers.
struct OwnedBatch {
    std::vector<std::int32_t> tokens, positions, sequences, pages, logit_rows;
    std::int32_t pages_per_sequence = 0;

    void assign(const Batch& batch);
    std::int64_t size() const { return static_cast<std::int64_t>(tokens.size()); }
    std::int64_t position(std::int64_t row) const { return positions[static_cast<std::size_t>(row)]; }
    // Page of the cache that holds `at` of the sequence that row belongs to.
    std::int64_t page(std::int64_t row, std::int64_t at) const {
        const auto sequence = static_cast<std::size_t>(sequences[static_cast<std::size_t>(row)]);
        return pages[sequence * static_cast<std::size_t>(pages_per_sequence) +
                     static_cast<std::size_t>(at / kPageTokens)];
    }
};

class HostKernels : public Kernels {
public:
    std::byte* allocate(std::size_t bytes) final;
    Matrix place(const Matrix& weight) final { return weight; }
    void read(std::span<float> out, const float* device) final;
    void begin(const Batch& batch) override;
    void finish() final {}

protected:
    const OwnedBatch& batch() const { return batch_; }

private:
    struct Unmap {
        std::size_t bytes = 0;
        void operator()(std::byte* data) const;
    };
    OwnedBatch batch_;
    std::vector<std::unique_ptr<std::byte[], Unmap>> memory_;
};

// Offset in values of (page of `at`, head, at) among the keys or values of a cache layer, which have `size` values per
// head: see KvLayer.
inline std::size_t cache_offset(std::int64_t page, std::int64_t head, std::int64_t at, std::int64_t kv_heads,
                                std::int64_t size) {
    return static_cast<std::size_t>(((page * kv_heads + head) * kPageTokens + at % kPageTokens) * size);
}

// Cosine and sine, times the magnitude, of every pair at a position: turns (pairs, 2). See Rope.
void rope_turns(float* turns, const Rope& rope, std::int64_t position);

// Factor of a query at a position: see Attention::temperature.
float query_temperature(const Attention& attention, std::int64_t position);

// Chooses experts from the router's logits (experts, its bias included): see Router. ids, weights (used).
void choose_experts(std::int32_t* ids, float* weights, const MoeFfn& ffn, const float* logits);

}  // namespace sluice::local_engine
