#include "local_engine/serving/engine_shape.hpp"

#include "local_engine/model/forward.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Result;

constexpr std::int32_t kGuesses = 16;  // tokens of one step, of all sequences together

Error setting(std::string field, std::string detail) {
    return Error{Errc::InvalidRequest, std::move(detail), std::move(field)};
}

Result<void> check_settings(const EngineConfig& config) {
    if (config.threads < 0 || config.threads > 256) return setting("threads", "must be from 0 to 256");
    if (config.step_tokens < 8 || config.step_tokens > 8192) return setting("step_tokens", "must be from 8 to 8192");
    if (config.max_running < 1 || config.max_running > 1024) return setting("max_running", "must be from 1 to 1024");
    if (config.max_waiting < 1) return setting("max_waiting", "must be at least 1");
    if (config.context_limit < 0) return setting("context_limit", "must not be negative");
    return {};
}

// Pages of the cache: what the operator gave, else enough for one full context, within reason.
Result<std::int32_t> choose_pages(const EngineConfig& config, const ModelPlan& plan, std::int64_t context) {
    constexpr std::size_t kLeast = std::size_t{256} << 20U;
    constexpr std::size_t kMostByDefault = std::size_t{2} << 30U;
    const std::size_t page = Forward::page_bytes(plan, config.kv_type);
    const std::size_t one_context = page * static_cast<std::size_t>(pages_for(context));
    const std::size_t bytes = config.kv_bytes > 0 ? config.kv_bytes : std::clamp(one_context, kLeast, kMostByDefault);
    if (bytes < page)
        return setting("kv_bytes", "must be at least " + std::to_string(page) + ", one page of this model");
    return static_cast<std::int32_t>(std::min<std::size_t>(bytes / page, 1U << 24U));
}

}  // namespace

Result<EngineShape> shape_of(const EngineConfig& config, const ModelPlan& plan) {
    if (auto checked = check_settings(config); !checked) return checked.error();
    std::int64_t context = plan.context_length;
    if (config.context_limit > 0) context = std::min(context, config.context_limit);
    const auto pages = choose_pages(config, plan, context);
    if (!pages) return pages.error();
    EngineShape shape{.scheduling = {*pages, config.step_tokens, config.max_running, config.max_waiting},
                      .context = std::min<std::int64_t>(context, static_cast<std::int64_t>(*pages) * kPageTokens)};
    if (config.guesses) shape.scheduling.guesses = kGuesses;
    return shape;
}

}  // namespace sluice::local_engine
