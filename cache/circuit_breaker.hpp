// Stops asking a service that does not answer: after some failures in a row it opens for a while, then lets one caller
// try (half open) and closes or opens again by what that caller meets. Used on one event loop, so without locks.
#pragma once

#include <chrono>

namespace sluice::cache {

class CircuitBreaker {
public:
    using Clock = std::chrono::steady_clock;

    CircuitBreaker(int failures_in_a_row, Clock::duration rest) : most_failures_(failures_in_a_row), rest_(rest) {}

    // Whether a call may be made now. A true answer while resting is over makes the caller the probe: it must report.
    bool admits(Clock::time_point now = Clock::now()) {
        if (failures_ < most_failures_) return true;
        if (now < open_until_) return false;
        open_until_ = now + rest_;  // everybody else waits for the probe, or for its rest to pass
        return true;
    }
    void succeeded() { failures_ = 0; }
    void failed(Clock::time_point now = Clock::now()) {
        if (failures_ < most_failures_) ++failures_;
        if (failures_ >= most_failures_) open_until_ = now + rest_;
    }
    bool open() const { return failures_ >= most_failures_; }

private:
    int most_failures_;
    Clock::duration rest_;
    int failures_ = 0;
    Clock::time_point open_until_{};
};

}  // namespace sluice::cache
