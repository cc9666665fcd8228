// One deadline per request, made by the gateway and passed down unchanged. Monotonic: wall-clock jumps do not move it.
#pragma once

#include <algorithm>
#include <chrono>

namespace sluice::core {

class Deadline {
public:
    using Clock = std::chrono::steady_clock;
    static Deadline after(Clock::duration span) { return Deadline{Clock::now() + span}; }
    explicit Deadline(Clock::time_point at) : at_(at) {}

    Clock::time_point at() const { return at_; }
    bool passed() const { return Clock::now() >= at_; }
    // The earlier of this deadline and `span` from now.
    Deadline within(Clock::duration span) const { return Deadline{std::min(at_, Clock::now() + span)}; }

private:
    Clock::time_point at_;
};

}  // namespace sluice::core
