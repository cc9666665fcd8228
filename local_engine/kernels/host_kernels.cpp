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

void OwnedBatch::assign(const Batch& batch) {
    tokens.assign(batch.tokens.begin(), batch.tokens.end());
    positions.assign(batch.positions.begin(), batch.positions.end());
    sequences.assign(batch.sequences.begin(), batch.sequences.end());
    pages.assign(batch.pages.begin(), batch.pages.end());
    logit_rows.assign(batch.logit_rows.begin(), batch.logit_rows.end());
    pages_per_sequence = batch.pages_per_sequence;
}

void HostKernels::begin(const Batch& batch) {
    batch_.assign(batch);
}

void rope_turns(float* turns, const Rope& rope, std::int64_t position) {
    auto turned = static_cast<float>(position);
    for (std::int32_t pair = 0; pair < rope.pairs; ++pair, turned *= rope.step) {
        const auto angle = static_cast<double>(turned / rope.divisors[pair] * rope.factors[pair]);
        *turns++ = static_cast<float>(std::cos(angle)) * rope.magnitude;
        *turns++ = static_cast<float>(std::sin(angle)) * rope.magnitude;
    }
}

float query_temperature(const Attention& attention, std::int64_t position) {
    if (attention.temperature == 0.0F) return 1.0F;
    const std::int64_t chunks = (position + 1) / attention.temperature_length;
    return 1.0F + attention.temperature * static_cast<float>(std::log(1.0 + static_cast<double>(chunks)));
}

}  // namespace sluice::local_engine
