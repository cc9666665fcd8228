#include "router/backend_health.hpp"

#include <algorithm>

namespace sluice::router {

bool BackendHealth::healthy(std::size_t target, Clock::time_point now) const {
    return states_.at(target).resting_until.load(std::memory_order_relaxed) <= now.time_since_epoch().count();
}

void BackendHealth::succeeded(std::size_t target) {
    states_.at(target).failures.store(0, std::memory_order_relaxed);
    states_.at(target).resting_until.store(0, std::memory_order_relaxed);
}

void BackendHealth::failed(std::size_t target, std::chrono::seconds wait, Clock::time_point now) {
    State& state = states_.at(target);
    const int failures = state.failures.fetch_add(1, std::memory_order_relaxed) + 1;
    auto rest = std::min(wait, kLongestRest);
    if (failures >= kFailuresInARow) rest = std::max(rest, kRest);
    if (rest > std::chrono::seconds::zero())
        state.resting_until.store((now + rest).time_since_epoch().count(), std::memory_order_relaxed);
}

}  // namespace sluice::router
