// Remembers which targets fail, so that plans go round them for a while. Indexed as the targets are; shared by all event
// loops, lock-free: a count lost in a race delays a verdict by one request.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <vector>

namespace sluice::router {

class BackendHealth {
public:
    using Clock = std::chrono::steady_clock;

    explicit BackendHealth(std::size_t targets) : states_(targets) {}

    bool healthy(std::size_t target, Clock::time_point now = Clock::now()) const;
    void succeeded(std::size_t target);
    // `wait`: what the provider's Retry-After asked for, zero when it said nothing.
    void failed(std::size_t target, std::chrono::seconds wait, Clock::time_point now = Clock::now());

    static constexpr int kFailuresInARow = 5;
    static constexpr std::chrono::seconds kRest{10};
    static constexpr std::chrono::seconds kLongestRest{60};

private:
    struct State {
        std::atomic<int> failures{0};
        std::atomic<Clock::rep> resting_until{0};  // Clock ticks; after it one request may try again
    };
    std::vector<State> states_;
};

}  // namespace sluice::router
