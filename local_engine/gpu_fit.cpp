#include "local_engine/gpu_fit.hpp"

#include "local_engine/gguf/reader.hpp"
#include "local_engine/model/forward.hpp"
#include "local_engine/model/memory_plan.hpp"
#include "local_engine/model/weights.hpp"

#include <algorithm>
#include <array>

namespace sluice::local_engine {
namespace {

constexpr std::uint64_t mebibytes(std::uint64_t count) {
    return count << 20U;
}

// Memory as nvidia-smi shows it (MiB), error correction on where it is on by default.
constexpr std::array kCards = {
    GpuCard{"a10", mebibytes(23028), 86},      GpuCard{"a100-40gb", mebibytes(40960), 80},
    GpuCard{"a100-80gb", mebibytes(81920), 80}, GpuCard{"a6000", mebibytes(49140), 86},
    GpuCard{"h100", mebibytes(81559), 90},     GpuCard{"h100-nvl", mebibytes(95830), 90},
    GpuCard{"h200", mebibytes(143771), 90},    GpuCard{"l4", mebibytes(23034), 89},
    GpuCard{"l40s", mebibytes(46068), 89},     GpuCard{"rtx-3090", mebibytes(24576), 86},
    GpuCard{"rtx-4090", mebibytes(24564), 89}, GpuCard{"rtx-5090", mebibytes(32607), 120},
    GpuCard{"rtx-pro-6000", mebibytes(97887), 120},
};

constexpr std::uint64_t kReserve = mebibytes(512);      // the context of the driver takes 300 to 500
constexpr std::uint64_t kAttentionParts = mebibytes(64);  // see DeviceKernels::attend

}  // namespace

// The widest layer decides. Rows are kept as floats; 8-bit forms take a third more.
std::uint64_t card_scratch_bytes(const ModelPlan& plan, std::int32_t step_tokens, std::int32_t logit_rows) {
    std::int64_t floats = 0;  // per token
    for (const LayerPlan& layer : plan.layers) {
        const std::int64_t used = layer.moe ? layer.moe->used : 1;
        const std::int64_t ffn = layer.moe ? std::max(layer.moe->ffn, layer.moe->shared_ffn) : layer.ffn;
        const std::int64_t experts = layer.moe ? layer.moe->experts : 0;
        const std::int64_t results = layer.moe ? used * plan.width : 0;
        floats = std::max(floats, 2 * used * ffn + results + experts + 2 * used + (used * ffn + plan.width) / 3 + 1);
    }
    const auto tokens = static_cast<std::uint64_t>(step_tokens);
    const std::uint64_t normed = static_cast<std::uint64_t>(logit_rows) * static_cast<std::uint64_t>(plan.width);
    return (tokens * static_cast<std::uint64_t>(floats) + normed) * sizeof(float) + kAttentionParts;
}

std::span<const GpuCard> gpu_cards() {
    return kCards;
}

const GpuCard* find_gpu_card(std::string_view name) {
    const auto found = std::ranges::find(kCards, name, &GpuCard::name);
    return found != kCards.end() ? &*found : nullptr;
}

core::Result<GpuFit> fit_gpu(const std::filesystem::path& model, const GpuFitOptions& options) {
    const auto file = gguf::Reader::open(model);
    if (!file) return file.error();
    const auto plan = read_plan(**file);
    if (!plan) return plan.error();
    if (const auto checked = check_weights(**file, *plan); !checked) return checked.error();
    const ForwardLimits limits{options.step_tokens, options.logit_rows, 1, options.kv_type};
    const MemoryPlan memory = plan_memory(**file, *plan, limits);  // its cache: one page
    GpuFit fit{.memory = options.memory,
               .weights = memory.weights,
               .scratch = memory.scratch + card_scratch_bytes(*plan, options.step_tokens, options.logit_rows),
               .reserve = kReserve,
               .token_bytes = memory.cache / kPageTokens,
               .context = plan->context_length};
    const std::uint64_t taken = fit.weights + fit.scratch + fit.reserve;
    if (taken < fit.memory && memory.cache > 0) {
        fit.cache_tokens = static_cast<std::int64_t>((fit.memory - taken) / memory.cache) * kPageTokens;
    }
    return fit;
}

}  // namespace sluice::local_engine
