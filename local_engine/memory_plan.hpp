// What loading a model will take, known before anything is loaded.
#pragma once

#include "core/result.hpp"
#include "local_engine/engine.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace sluice::local_engine {

struct MemoryPlan {
    std::uint64_t weights = 0;  // bytes of the mapped file: shared with the page cache, but read in every step
    std::uint64_t cache = 0;    // keys and values
    std::uint64_t scratch = 0;  // activations and logits
    std::int64_t context = 0;   // tokens per request at most
    std::int64_t cache_tokens = 0;  // of all requests together

    std::uint64_t total() const { return weights + cache + scratch; }
};

// Errors as Engine::load: the file is opened and its structure checked, its weights are not read.
core::Result<MemoryPlan> plan_memory(const EngineConfig& config);

// What the file calls its model; else the file's own name.
core::Result<std::string> model_name(const std::filesystem::path& model);

// "weights 18.6 GB + cache 2.0 GB (65,536 tokens) + scratch 0.1 GB = 20.7 GB"
std::string describe(const MemoryPlan& plan);

// Bytes this machine can give without swapping (MemAvailable); nullopt where the system does not say.
std::optional<std::uint64_t> available_memory();

}  // namespace sluice::local_engine
