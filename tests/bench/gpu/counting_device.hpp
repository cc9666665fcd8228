// A Device around another: counts kernels, and gives cache pages other contents than zeros, which would be no fair
// work.
#pragma once

#include "local_engine/kernels/cuda/device.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sluice::local_engine::bench {

class CountingDevice final : public cuda::Device {
public:
    explicit CountingDevice(std::unique_ptr<cuda::Device> inner) : inner_(std::move(inner)) {}

    std::uint64_t launches() const { return launches_; }
    // Allocations of these sizes begin as repetitions of `pattern`.
    void fill_allocations(std::set<std::size_t> sizes, std::vector<std::byte> pattern) {
        filled_ = std::move(sizes);
        pattern_ = std::move(pattern);
    }
    void fill(std::byte* to, std::size_t bytes, std::span<const std::byte> pattern) {
        for (std::size_t at = 0; at < bytes; at += pattern.size())
            inner_->upload(to + at, pattern.data(), std::min(pattern.size(), bytes - at));
    }

    std::string name() const override { return inner_->name(); }
    std::string failure() const override { return inner_->failure(); }
    std::uint64_t free_memory() const override { return inner_->free_memory(); }
    std::byte* allocate(std::size_t bytes) override {
        std::byte* memory = inner_->allocate(bytes);
        if (memory != nullptr && filled_.contains(bytes)) fill(memory, bytes, pattern_);
        return memory;
    }
    void release(std::byte* memory) override { inner_->release(memory); }
    void upload(void* to, const void* from, std::size_t bytes) override { inner_->upload(to, from, bytes); }
    void download(void* to, const void* from, std::size_t bytes) override { inner_->download(to, from, bytes); }
    void finish() override { inner_->finish(); }

    void embed(const cuda::Embed& op) override { count(), inner_->embed(op); }
    void norm(const cuda::Norm& op) override { count(), inner_->norm(op); }
    void quantise(const cuda::Quantise& op) override { count(), inner_->quantise(op); }
    void product(const cuda::Product& op) override { count(), inner_->product(op); }
    void activate(const cuda::Activate& op) override { count(), inner_->activate(op); }
    void rotate(const cuda::Rotate& op) override { count(), inner_->rotate(op); }
    void rotate_latent(const cuda::RotateLatent& op) override { count(), inner_->rotate_latent(op); }
    void absorb_rows(const cuda::AbsorbRows& op) override { count(), inner_->absorb_rows(op); }
    void attend(const cuda::Attend& op) override { count(op.parts != nullptr ? 2 : 1), inner_->attend(op); }
    void choose(const cuda::Choose& op) override { count(), inner_->choose(op); }
    void combine(const cuda::Combine& op) override { count(), inner_->combine(op); }

private:
    void count(std::uint64_t kernels = 1) { launches_ += kernels; }

    std::unique_ptr<cuda::Device> inner_;
    std::uint64_t launches_ = 0;
    std::set<std::size_t> filled_;
    std::vector<std::byte> pattern_;
};

}  // namespace sluice::local_engine::bench
