// Picks the next token from a row of logits. The draw is a pure function of (seed, position): the same request with the
// same seed gives the same text whatever else the engine computes at the time.
// Order: bias and penalties, mask, temperature, top-k, typical, top-p, min-p, draw. Not thread-safe: one per sequence.
#pragma once

#include "local_engine/sampling/token_mask.hpp"

#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice::local_engine {

struct SamplingOptions {
    float temperature = 1.0F;         // 0: always the most likely token, ties to the lower id
    std::int32_t top_k = 0;           // 0: all
    float top_p = 1.0F;               // smallest set of the most likely tokens whose probabilities reach it
    float min_p = 0.0F;               // drop tokens below this fraction of the most likely one's probability
    float typical_p = 1.0F;           // smallest set of the least surprising tokens whose probabilities reach it
    float repetition_penalty = 1.0F;  // divides positive, multiplies negative logits of tokens seen in prompt or answer
    float presence_penalty = 0.0F;    // subtracted once from tokens of the answer
    float frequency_penalty = 0.0F;   // subtracted per occurrence in the answer
    std::uint64_t seed = 0;
    std::vector<std::pair<std::int32_t, float>> logit_bias = {};
};

class Sampler {
public:
    // The prompt matters only to the repetition penalty.
    Sampler(SamplingOptions options, std::span<const std::int32_t> prompt);

    // The token at `position`, the index in prompt plus answer. `logits` is scratch: penalties change it. Tokens that are
    // not in `allowed` are never picked, except when it allows none of them.
    std::int32_t pick(std::span<float> logits, std::int64_t position, const TokenMask* allowed = nullptr);
    // Counts a token of the answer.
    void note(std::int32_t token);

private:
    struct Candidate {
        float logit;
        float weight;  // probability relative to the most likely token
        std::int32_t token;
    };
    void penalise(std::span<float> logits) const;
    void gather(std::span<const float> logits, float highest);
    void sort_until(std::size_t count);
    void cut_untypical();
    void cut();
    double total_weight() const;

    SamplingOptions options_;
    std::unordered_map<std::int32_t, std::int32_t> answer_counts_;
    std::vector<std::int32_t> prompt_tokens_;  // distinct; empty unless repetition is penalised
    std::vector<Candidate> candidates_;        // of the current pick
    std::size_t sorted_ = 0;                   // as many of them stand first, most likely first
};

// In [0, 1), the same for the same pair.
double uniform_draw(std::uint64_t seed, std::uint64_t position);

}  // namespace sluice::local_engine
