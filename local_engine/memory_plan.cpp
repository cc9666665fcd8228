#include "local_engine/memory_plan.hpp"

#include "local_engine/gguf/printable.hpp"
#include "local_engine/kv/pages.hpp"
#include "local_engine/model/forward.hpp"
#include "local_engine/model/weights.hpp"
#include "local_engine/scheduler/scheduler.hpp"
#include "local_engine/serving/engine_shape.hpp"

#include <array>
#include <cstdio>

namespace sluice::local_engine {
namespace {

std::string gigabytes(std::uint64_t bytes) {
    std::array<char, 32> text{};
    const int length = std::snprintf(text.data(), text.size(), "%.2f GB", static_cast<double>(bytes) / 1e9);
    return std::string(text.data(), static_cast<std::size_t>(length));
}

}  // namespace

core::Result<EngineMemory> plan_memory(const EngineConfig& config) {
    auto file = gguf::Reader::open(config.model);
    if (!file) return file.error();
    const auto plan = read_plan(**file);
    if (!plan) return plan.error();
    if (const auto checked = check_weights(**file, *plan); !checked) return checked.error();
    const auto shape = shape_of(config, *plan);
    if (!shape) return shape.error();
    // What Forward takes, and the rows of logits once more in the loop's memory.
    const ForwardLimits limits{.step_tokens = static_cast<std::int32_t>(Scheduler::largest_step(shape->scheduling)),
                               .logit_rows = static_cast<std::int32_t>(Scheduler::most_rows(shape->scheduling)),
                               .pages = shape->scheduling.pages,
                               .kv_type = config.kv_type};
    EngineMemory out{plan_memory(**file, *plan, limits), shape->context, std::int64_t{limits.pages} * kPageTokens};
    out.scratch += static_cast<std::uint64_t>(limits.logit_rows) * static_cast<std::uint64_t>(plan->vocabulary) * sizeof(float);
    return out;
}

core::Result<std::string> model_name(const std::filesystem::path& model) {
    const auto file = gguf::Reader::open(model);
    if (!file) return file.error();
    const std::string name = gguf::printable((*file)->string("general.name").value_or(""), 128);
    return name.empty() ? model.stem().string() : name;
}

std::string describe(const EngineMemory& plan) {
    return "weights " + gigabytes(plan.weights) + " + cache " + gigabytes(plan.cache) + " (" +
           std::to_string(plan.cache_tokens) + " tokens) + scratch " + gigabytes(plan.scratch) + " = " + gigabytes(plan.total());
}

}  // namespace sluice::local_engine
