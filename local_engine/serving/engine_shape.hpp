// What a configuration and a model come to: context, pages, batches. Shared by loading and by planning memory.
#pragma once

#include "core/result.hpp"
#include "local_engine/engine.hpp"
#include "local_engine/model/layer_plan.hpp"
#include "local_engine/scheduler/scheduler.hpp"

#include <cstdint>

namespace sluice::local_engine {

struct EngineShape {
    SchedulerConfig scheduling;  // without prefix keys
    std::int64_t context = 0;    // tokens of prompt and answer together
};

// InvalidRequest names the setting.
core::Result<EngineShape> shape_of(const EngineConfig& config, const ModelPlan& plan);

}  // namespace sluice::local_engine
