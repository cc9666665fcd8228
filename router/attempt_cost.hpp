// What one attempt at a target costs: from the usage the provider reported, else an upper bound marked as estimated, so that
// what is recorded is never less than what may be billed.
#pragma once

#include "core/backend.hpp"
#include "router/planner.hpp"

namespace sluice::router {

struct AttemptCost {
    core::NanoUsd charge;
    core::Usage usage;  // usage.estimated when it was not reported
};

AttemptCost attempt_cost(const core::ServeOutcome& outcome, const core::ChatRequest& request, const policies::ModelEntry& entry,
                         core::NanoUsd worst_case);

}  // namespace sluice::router
