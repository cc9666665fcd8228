// Log-probabilities of a row of logits as the model gave it: before bias, penalties, masks and temperature.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sluice::local_engine {

struct TokenProbability {
    std::int32_t token = 0;
    float log_probability = 0.0F;  // natural logarithm; -INFINITY for logits that are not numbers
};

class LogProbabilities {
public:
    // The row must outlive it and stay as it is. One pass over the row.
    explicit LogProbabilities(std::span<const float> logits);

    float of(std::int32_t token) const;
    // The most likely tokens, best first, ties to the lower id; fewer when the row is shorter.
    std::vector<TokenProbability> best(std::size_t count) const;

private:
    std::span<const float> logits_;
    double normaliser_ = 0.0;  // log of the sum of exponentials
};

}  // namespace sluice::local_engine
