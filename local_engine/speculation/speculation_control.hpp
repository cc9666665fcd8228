// How many tokens are worth guessing: the number with the most expected tokens per second, by what steps of each size were
// seen to take and how often guesses were right lately. Guessing that loses stops, and is tried again now and then.
// Engine thread only; no clock of its own.
#pragma once

#include <array>
#include <cstddef>

namespace sluice::local_engine {

class SpeculationControl {
public:
    static constexpr std::size_t kMostGuesses = 4;   // of one sequence and step
    static constexpr std::size_t kMostRunning = 8;   // with more sequences the machine is busy without guesses

    // A step of decoding only took so long.
    void note_step(std::size_t tokens, double seconds);
    // Of one sequence's guesses; `right`: those before the first wrong one.
    void note_guesses(std::size_t guessed, std::size_t right);
    // For one of `running` sequences that decode.
    std::size_t worth_guessing(std::size_t running);

    double rate() const { return rate_; }  // of guesses that are right

private:
    double step_seconds(std::size_t tokens) const;

    static constexpr std::size_t kSizes = 48;
    std::array<double, kSizes + 1> seconds_{};  // by tokens of a step; 0: not seen
    double rate_ = 0.7;                         // begins hopeful
    std::size_t quiet_ = 0;                     // times in a row that guessing was not worth it
};

}  // namespace sluice::local_engine
