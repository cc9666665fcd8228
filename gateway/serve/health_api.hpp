// /healthz, /readyz and /metrics: no key, no prompt, nothing of any team.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gateway/http/exchange.hpp"
#include "gateway/metrics/metrics.hpp"

namespace sluice::gateway {

// `not_ready` says why requests should not come here, empty when they may. `gauges` adds lines to /metrics.
std::vector<Route> health_routes(const Metrics& metrics, std::function<std::string()> not_ready, std::function<std::string()> gauges);

}  // namespace sluice::gateway
