// How much memory a model takes, known before anything is loaded, and what its layers are in words.
#pragma once

#include "core/result.hpp"
#include "local_engine/gguf/reader.hpp"
#include "local_engine/model/forward.hpp"
#include "local_engine/model/layer_plan.hpp"

#include <cstdint>
#include <string>

namespace sluice::local_engine {

struct MemoryPlan {
    std::uint64_t weights = 0;  // bytes of the file, mapped
    std::uint64_t cache = 0;    // keys and values of all pages
    std::uint64_t scratch = 0;  // activations of the largest step

    std::uint64_t total() const { return weights + cache + scratch; }
};

MemoryPlan plan_memory(const gguf::Reader& file, const ModelPlan& plan, const ForwardLimits& limits);

// Unavailable, with the numbers, when `plan` needs more than `available` bytes. 0: nobody knows, everything fits.
core::Result<void> check_memory(const MemoryPlan& plan, std::uint64_t available);

// Bytes that processes can still get on this machine, file cache included; 0 when the system does not say.
std::uint64_t available_memory();

std::string describe_attention(const LayerPlan& layer);     // "16 heads, 4 kv, size 128, window 128, sinks"
std::string describe_feed_forward(const LayerPlan& layer);  // "64 experts of 768, 8 used, shared 768"

}  // namespace sluice::local_engine
