// Notices a step that does not end. The engine thread says when steps begin and end, another thread asks.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>

namespace sluice::local_engine {

class StepWatch {
public:
    using Clock = std::chrono::steady_clock;
    explicit StepWatch(Clock::duration most) : most_(most) {}

    void begin(Clock::time_point now);
    void end();
    // How long the current step has run, if that is too long.
    std::optional<std::chrono::seconds> overdue(Clock::time_point now) const;

private:
    const Clock::duration most_;
    mutable std::mutex mutex_;
    std::optional<Clock::time_point> began_;
};

}  // namespace sluice::local_engine
