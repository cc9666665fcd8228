// Which kernels an engine computes with: those of the CPU, or of a graphics card.
#pragma once

#include "core/result.hpp"
#include "local_engine/engine.hpp"
#include "local_engine/kernels/kernels.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace sluice::local_engine {

struct BackendChoice {
    EngineBackend backend = EngineBackend::Cpu;  // never Auto
    std::string because = {};                    // of Auto: "auto: ..., so the CPU computes"
};

// With Auto the card when one answers and has `bytes` to give. Blocking: opens the card for a moment.
BackendChoice choose_backend(const EngineConfig& config, std::uint64_t bytes);

// Of the card. Unavailable or Unsupported with field "backend".
core::Result<std::unique_ptr<Kernels>> open_card(const EngineConfig& config);

// Of a choice that is not Auto. Also Unavailable when the card has less than `bytes`, and InvalidRequest with field
// "instruction_set".
core::Result<std::unique_ptr<Kernels>> make_engine_kernels(const EngineConfig& config, EngineBackend backend,
                                                           std::uint64_t bytes);

}  // namespace sluice::local_engine
