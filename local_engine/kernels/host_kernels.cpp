#include "local_engine/kernels/host_kernels.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace sluice::local_engine {

void HostKernels::Unmap::operator()(std::byte* data) const {
    munmap(data, bytes);
}

// Mapped, not allocated: zeroed lazily, page-aligned, and huge pages spare the cache's random accesses most TLB misses.
std::byte* HostKernels::allocate(std::size_t bytes) {
    const std::size_t size = std::max<std::size_t>(bytes, 1);
    void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED) return nullptr;
    madvise(data, size, MADV_HUGEPAGE);
    memory_.push_back(std::unique_ptr<std::byte[], Unmap>(static_cast<std::byte*>(data), Unmap{size}));
    return memory_.back().get();
}

void HostKernels::read(std::span<float> out, const float* device) {
    std::copy_n(device, out.size(), out.data());
}

void HostKernels::begin(const Batch& batch) {
    batch_.tokens.assign(batch.tokens.begin(), batch.tokens.end());
    batch_.positions.assign(batch.positions.begin(), batch.positions.end());
    batch_.sequences.assign(batch.sequences.begin(), batch.sequences.end());
    batch_.pages.assign(batch.pages.begin(), batch.pages.end());
    batch_.logit_rows.assign(batch.logit_rows.begin(), batch.logit_rows.end());
    batch_.pages_per_sequence = batch.pages_per_sequence;
}

void choose_experts(std::int32_t* ids, float* weights, const MoeFfn& ffn, const float* logits) {
    const float highest = *std::max_element(logits, logits + ffn.experts);
    double denominator = 0.0;
    for (std::int32_t expert = 0; expert < ffn.experts; ++expert) {
        denominator += std::exp(static_cast<double>(logits[expert] - highest));
    }
    float total = 0.0F;
    for (std::int32_t slot = 0; slot < ffn.used; ++slot) {
        std::int32_t best = -1;
        for (std::int32_t expert = 0; expert < ffn.experts; ++expert) {
            if (std::find(ids, ids + slot, expert) != ids + slot) continue;
            if (best < 0 || logits[expert] > logits[best]) best = expert;  // a tie stays with the lower index
        }
        ids[slot] = best;
        weights[slot] = static_cast<float>(std::exp(static_cast<double>(logits[best] - highest)) / denominator);
        total += weights[slot];
    }
    const float least = 6.103515625e-5F;  // smallest normal half: what the published implementations divide by at least
    const float factor = (ffn.normalise ? 1.0F / std::max(total, least) : 1.0F) * ffn.weight_scale;
    for (std::int32_t slot = 0; slot < ffn.used; ++slot) weights[slot] *= factor;
}

}  // namespace sluice::local_engine
