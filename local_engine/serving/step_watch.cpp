#include "local_engine/serving/step_watch.hpp"

namespace sluice::local_engine {

void StepWatch::begin(Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    began_ = now;
}

void StepWatch::end() {
    const std::lock_guard lock(mutex_);
    began_.reset();
}

std::optional<std::chrono::seconds> StepWatch::overdue(Clock::time_point now) const {
    const std::lock_guard lock(mutex_);
    if (!began_ || now - *began_ < most_) return std::nullopt;
    return std::chrono::duration_cast<std::chrono::seconds>(now - *began_);
}

}  // namespace sluice::local_engine
