// What loading a model will take, known before anything is loaded.
#pragma once

#include "core/result.hpp"
#include "local_engine/engine.hpp"
#include "local_engine/model/memory_plan.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace sluice::local_engine {

struct EngineMemory : MemoryPlan {
    std::int64_t context = 0;       // tokens per request at most
    std::int64_t cache_tokens = 0;  // of all requests together
    bool on_card = false;           // of this the host has nothing to give: the file is mapped, and read once
};

// Errors as Engine::load: the file is opened and its structure checked, its weights are not read.
core::Result<EngineMemory> plan_memory(const EngineConfig& config);

// What the file calls its model; else the file's own name.
core::Result<std::string> model_name(const std::filesystem::path& model);

// "weights 18.6 GB + cache 2.0 GB (65,536 tokens) + scratch 0.1 GB = 20.7 GB"
std::string describe(const EngineMemory& plan);

}  // namespace sluice::local_engine
