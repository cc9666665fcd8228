// How long to wait before a device that failed is started again: not at all the first time, then ever longer, so that
// one that fails at once each time does not keep the machine busy with loading.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace sluice::local_engine {

class RestartPace {
public:
    using Clock = std::chrono::steady_clock;
    RestartPace(Clock::duration first, Clock::duration longest) : first_(first), longest_(longest) {}

    // After a failure, of a step or of a start. One that comes long after the last is the first again.
    Clock::duration failed(Clock::time_point now) {
        const bool again = last_ && now - *last_ < 2 * longest_;
        wait_ = again ? std::min(std::max(first_, 2 * wait_), longest_) : Clock::duration::zero();
        last_ = now;
        return wait_;
    }

private:
    const Clock::duration first_, longest_;
    Clock::duration wait_{};
    std::optional<Clock::time_point> last_;
};

}  // namespace sluice::local_engine
