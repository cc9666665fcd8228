// Whether a model fits a graphics card, and how much context beside it, from the file alone: nothing is loaded, and no
// card is needed.
#pragma once

#include "core/result.hpp"
#include "local_engine/model/layer_plan.hpp"
#include "local_engine/options.hpp"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace sluice::local_engine {

struct GpuCard {
    std::string_view name;        // "h200", as written on the command line
    std::uint64_t memory = 0;     // bytes the driver reports
    std::int32_t architecture = 0;  // 90 for sm_90
};

// Cards that our kernels are compiled for, in order of name.
std::span<const GpuCard> gpu_cards();
const GpuCard* find_gpu_card(std::string_view name);

struct GpuFit {
    std::uint64_t memory = 0;      // of the card
    std::uint64_t weights = 0;     // the file's bytes
    std::uint64_t scratch = 0;     // activations and what operations keep between their kernels, for the largest step
    std::uint64_t reserve = 0;     // the driver's own, and what nobody foresees
    std::uint64_t token_bytes = 0;  // keys and values of one token in all layers
    std::int64_t cache_tokens = 0;  // that fit beside it, whole pages; 0: not even the model fits
    std::int64_t context = 0;       // that the model was trained for

    bool fits() const { return cache_tokens > 0; }
    std::int64_t sequences_of(std::int64_t tokens) const { return tokens > 0 ? cache_tokens / tokens : 0; }
};

struct GpuFitOptions {
    std::uint64_t memory = 0;
    KvType kv_type = KvType::F16;
    std::int32_t step_tokens = 512;  // computed together at most
    std::int32_t logit_rows = 64;    // sequences that decode together
};

// What the card's kernels keep between those of one call, beside the activations that Forward counts.
std::uint64_t card_scratch_bytes(const ModelPlan& plan, std::int32_t step_tokens, std::int32_t logit_rows);

// Errors as Engine::load for the file's structure.
core::Result<GpuFit> fit_gpu(const std::filesystem::path& model, const GpuFitOptions& options);

}  // namespace sluice::local_engine
