// A model's raw answers, without templates, sampling or serving: for goldens, for comparing backends, and for the
// command line. Each call loads the model anew. Blocking.
#pragma once

#include "core/result.hpp"
#include "local_engine/options.hpp"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace sluice::local_engine {

enum class Backend { Reference, Cpu, Cuda };

struct DiagnosticOptions {
    Backend backend = Backend::Cpu;
    KvType kv_type = KvType::F16;
    Activations activations = Activations::Q8;
    std::string instruction_set = {};  // of the CPU backend; empty: the best
    int threads = 0;                   // 0: one per core
    std::int32_t step_tokens = 128;    // prompt tokens computed together; 1 decodes the prompt token by token
};

// Logits (positions, vocabulary) after the tokens at `positions`, ascending indices into `ids`. No BOS is added.
core::Result<std::vector<float>> logits(const std::filesystem::path& model, std::span<const std::int32_t> ids,
                                        std::span<const std::int32_t> positions, const DiagnosticOptions& options);

// The `count` most likely tokens after `ids`, one after the other.
core::Result<std::vector<std::int32_t>> greedy(const std::filesystem::path& model, std::span<const std::int32_t> ids,
                                               std::int32_t count, const DiagnosticOptions& options);

// Prompts decoded together, as the engine does: greedy tokens of each, from one mixed batch per step.
core::Result<std::vector<std::vector<std::int32_t>>> greedy_together(const std::filesystem::path& model,
                                                                     std::span<const std::vector<std::int32_t>> prompts,
                                                                     std::int32_t count,
                                                                     const DiagnosticOptions& options);

}  // namespace sluice::local_engine
