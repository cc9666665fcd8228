#include "local_engine/speculation/speculation_control.hpp"

#include <algorithm>

namespace sluice::local_engine {
namespace {

constexpr double kNew = 0.1;          // weight of what was seen last
constexpr double kUnseenCost = 0.15;  // of a token more in a step, as a part of the smallest step, until it was measured
constexpr std::size_t kRetry = 64;    // tokens after which guessing is tried again

}  // namespace

void SpeculationControl::note_step(std::size_t tokens, double seconds) {
    if (tokens == 0 || tokens > kSizes) return;
    double& known = seconds_[tokens];
    known = known == 0.0 ? seconds : known + kNew * (seconds - known);
}

void SpeculationControl::note_guesses(std::size_t guessed, std::size_t right) {
    // A row of right guesses ends at the first wrong one: what was tried is one more than what was right, at most all.
    const std::size_t tried = std::min(guessed, right + 1);
    for (std::size_t i = 0; i < tried; ++i) rate_ += kNew * ((i < right ? 1.0 : 0.0) - rate_);
}

double SpeculationControl::step_seconds(std::size_t tokens) const {
    if (seconds_[tokens] > 0.0) return seconds_[tokens];
    for (std::size_t less = tokens; less-- > 1;) {
        if (seconds_[less] > 0.0) return seconds_[less] * (1.0 + kUnseenCost * static_cast<double>(tokens - less));
    }
    return 1.0 + kUnseenCost * static_cast<double>(tokens);
}

std::size_t SpeculationControl::worth_guessing(std::size_t running) {
    if (running == 0 || running > kMostRunning) return 0;
    std::size_t best = 0;
    double best_speed = 1.0 / step_seconds(running);
    double expected = 1.0;
    double chance = 1.0;
    for (std::size_t count = 1; count <= kMostGuesses; ++count) {
        chance *= rate_;
        expected += chance;
        const double speed = expected / step_seconds(std::min(kSizes, running * (count + 1)));
        if (speed <= best_speed) continue;
        best = count;
        best_speed = speed;
    }
    quiet_ = best > 0 ? 0 : quiet_ + 1;
    if (quiet_ < kRetry) return best;
    quiet_ = 0;
    return 1;
}

}  // namespace sluice::local_engine
