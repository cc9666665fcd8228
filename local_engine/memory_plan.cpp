#include "local_engine/memory_plan.hpp"

#include "local_engine/kv/pages.hpp"
#include "local_engine/model/forward.hpp"
#include "local_engine/scheduler/scheduler.hpp"
#include "local_engine/serving/engine_shape.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>

namespace sluice::local_engine {
namespace {

std::string gigabytes(std::uint64_t bytes) {
    std::array<char, 32> text{};
    const int length = std::snprintf(text.data(), text.size(), "%.2f GB", static_cast<double>(bytes) / 1e9);
    return std::string(text.data(), static_cast<std::size_t>(length));
}

}  // namespace

core::Result<MemoryPlan> plan_memory(const EngineConfig& config) {
    auto file = gguf::Reader::open(config.model);
    if (!file) return file.error();
    const auto plan = read_plan(**file);
    if (!plan) return plan.error();
    const auto shape = shape_of(config, *plan);
    if (!shape) return shape.error();
    MemoryPlan out{.context = shape->context};
    for (const gguf::Tensor& tensor : (*file)->tensors()) out.weights += tensor.bytes;
    const auto pages = static_cast<std::uint64_t>(shape->scheduling.pages);
    out.cache = pages * Forward::page_bytes(*plan, config.kv_type);
    out.cache_tokens = static_cast<std::int64_t>(pages) * kPageTokens;
    // What Forward takes, and the rows of logits once more in the loop's memory.
    const ForwardLimits limits{.step_tokens = static_cast<std::int32_t>(Scheduler::largest_step(shape->scheduling)),
                               .logit_rows = static_cast<std::int32_t>(Scheduler::most_rows(shape->scheduling))};
    const auto rows = static_cast<std::uint64_t>(limits.logit_rows) * static_cast<std::uint64_t>(plan->vocabulary);
    out.scratch = Forward::scratch_bytes(*plan, limits) + rows * sizeof(float);
    return out;
}

core::Result<std::string> model_name(const std::filesystem::path& model) {
    const auto file = gguf::Reader::open(model);
    if (!file) return file.error();
    const std::string name((*file)->string("general.name").value_or(""));
    return name.empty() ? model.stem().string() : name;
}

std::string describe(const MemoryPlan& plan) {
    return "weights " + gigabytes(plan.weights) + " + cache " + gigabytes(plan.cache) + " (" +
           std::to_string(plan.cache_tokens) + " tokens) + scratch " + gigabytes(plan.scratch) + " = " + gigabytes(plan.total());
}

std::optional<std::uint64_t> available_memory() {
    std::ifstream file("/proc/meminfo");
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("MemAvailable:")) continue;
        const std::size_t digits = line.find_first_of("0123456789");
        std::uint64_t kilobytes = 0;
        if (digits == std::string::npos) return std::nullopt;
        const auto read = std::from_chars(line.data() + digits, line.data() + line.size(), kilobytes);
        if (read.ec != std::errc{}) return std::nullopt;
        return kilobytes * 1024;
    }
    return std::nullopt;
}

}  // namespace sluice::local_engine
