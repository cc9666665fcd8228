// One CUDA device, or its stand-in on the host: memory, and the kernels of operations.hpp in order of call. The only
// thing DeviceKernels knows about a card. One thread. The first failure stays: everything after it does nothing.
#pragma once

#include "local_engine/kernels/cuda/operations.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace sluice::local_engine::cuda {

class Device {
public:
    Device() = default;
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
    virtual ~Device() = default;

    virtual std::string name() const = 0;     // "NVIDIA H200, sm_90"
    virtual std::string failure() const = 0;  // what went wrong first; empty: nothing
    virtual std::uint64_t free_memory() const = 0;

    virtual std::byte* allocate(std::size_t bytes) = 0;  // zeroed, 256-byte aligned; null when there is not enough
    virtual void release(std::byte* memory) = 0;         // after everything queued
    virtual void upload(void* to, const void* from, std::size_t bytes) = 0;    // `from` may be reused on return
    virtual void download(void* to, const void* from, std::size_t bytes) = 0;  // after everything queued; waits
    virtual void finish() = 0;                                                 // waits

    virtual void embed(const Embed& op) = 0;
    virtual void norm(const Norm& op) = 0;
    virtual void quantise(const Quantise& op) = 0;
    virtual void product(const Product& op) = 0;
    virtual void activate(const Activate& op) = 0;
    virtual void rotate(const Rotate& op) = 0;
    virtual void rotate_latent(const RotateLatent& op) = 0;
    virtual void absorb_rows(const AbsorbRows& op) = 0;
    virtual void attend(const Attend& op) = 0;
    virtual void choose(const Choose& op) = 0;
    virtual void combine(const Combine& op) = 0;
};

}  // namespace sluice::local_engine::cuda
