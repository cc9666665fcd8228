#include "local_engine/sampling/sampler.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::local_engine {
namespace {

// Finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection in which every input bit moves every output bit.
std::uint64_t scrambled(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

// Tokens this many temperatures below the best weigh less than 1e-17 each: never drawn, and not worth sorting.
constexpr float kNegligible = 40.0F;

}  // namespace

double uniform_draw(std::uint64_t seed, std::uint64_t position) {
    return static_cast<double>(scrambled(scrambled(seed) ^ position) >> 11) * 0x1.0p-53;
}

Sampler::Sampler(SamplingOptions options, std::span<const std::int32_t> prompt) : options_(std::move(options)) {
    if (options_.repetition_penalty == 1.0F) return;
    prompt_tokens_.assign(prompt.begin(), prompt.end());
    std::ranges::sort(prompt_tokens_);
    const auto repeated = std::ranges::unique(prompt_tokens_);
    prompt_tokens_.erase(repeated.begin(), repeated.end());
}

void Sampler::note(std::int32_t token) {
    ++answer_counts_[token];
}

void Sampler::penalise(std::span<float> logits) const {
    const auto known = [&](std::int32_t token) {
        return token >= 0 && static_cast<std::size_t>(token) < logits.size();
    };
    const auto repeated = [&](std::int32_t token) {
        float& logit = logits[static_cast<std::size_t>(token)];
        logit = logit > 0.0F ? logit / options_.repetition_penalty : logit * options_.repetition_penalty;
    };
    if (options_.repetition_penalty != 1.0F) {
        for (const std::int32_t token : prompt_tokens_) {
            if (known(token) && !answer_counts_.contains(token)) repeated(token);
        }
    }
    for (const auto& [token, count] : answer_counts_) {
        if (!known(token)) continue;
        if (options_.repetition_penalty != 1.0F) repeated(token);
        logits[static_cast<std::size_t>(token)] -=
            options_.presence_penalty + options_.frequency_penalty * static_cast<float>(count);
    }
    for (const auto& [token, bias] : options_.logit_bias) {
        if (known(token)) logits[static_cast<std::size_t>(token)] += bias;
    }
}

// The tokens that may be drawn: the most likely top_k first when there is a top_k, all in order of id otherwise.
void Sampler::gather(std::span<const float> logits, float highest) {
    const float least = highest - kNegligible * options_.temperature;
    candidates_.clear();
    for (std::size_t i = 0; i < logits.size(); ++i) {
        if (logits[i] < least) continue;
        const float weight = std::exp((logits[i] - highest) / options_.temperature);
        candidates_.push_back({logits[i], weight, static_cast<std::int32_t>(i)});
    }
    sorted_ = 0;
    const auto top_k = static_cast<std::size_t>(options_.top_k);
    if (top_k == 0 || top_k >= candidates_.size()) return;
    sort_until(top_k);
    candidates_.resize(top_k);
}

// Most of a large vocabulary is never looked at: only as long a prefix is sorted as the cut needs.
void Sampler::sort_until(std::size_t count) {
    const auto likelier = [](const Candidate& a, const Candidate& b) {
        return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
    };
    const auto at = [&](std::size_t index) { return candidates_.begin() + static_cast<std::ptrdiff_t>(index); };
    std::partial_sort(at(sorted_), at(count), candidates_.end(), likelier);
    sorted_ = count;
}

// Locally typical sampling (Meister et al. 2023): tokens whose surprise is closest to the entropy first.
void Sampler::cut_untypical() {
    if (options_.typical_p >= 1.0F) return;
    const double total = total_weight();
    double entropy = 0.0;
    for (const Candidate& candidate : candidates_) {
        const double p = static_cast<double>(candidate.weight) / total;
        if (p > 0.0) entropy -= p * std::log(p);
    }
    const auto strangeness = [&](const Candidate& candidate) {
        return std::fabs(-std::log(static_cast<double>(candidate.weight) / total) - entropy);
    };
    std::ranges::sort(candidates_, [&](const Candidate& a, const Candidate& b) {
        const double left = strangeness(a);
        const double right = strangeness(b);
        return left != right ? left < right : a.token < b.token;
    });
    const double enough = static_cast<double>(options_.typical_p) * total;
    double mass = 0.0;
    std::size_t keep = 0;
    while (keep < candidates_.size() && (keep == 0 || mass < enough)) {
        mass += static_cast<double>(candidates_[keep++].weight);
    }
    candidates_.resize(keep);
    sorted_ = 0;
}

// Top-p and min-p; at least one candidate stays.
void Sampler::cut() {
    if (options_.top_p >= 1.0F && options_.min_p <= 0.0F) return;
    const double enough = static_cast<double>(options_.top_p) * total_weight();
    double mass = 0.0;
    std::size_t keep = 0;
    while (keep < candidates_.size()) {
        if (keep == sorted_) sort_until(std::min(candidates_.size(), std::max<std::size_t>(64, 4 * sorted_)));
        const float weight = candidates_[keep].weight;
        if (keep > 0 && (mass >= enough || weight < options_.min_p)) break;  // the most likely one weighs 1
        mass += static_cast<double>(weight);
        ++keep;
    }
    candidates_.resize(keep);
}

double Sampler::total_weight() const {
    double total = 0.0;
    for (const Candidate& candidate : candidates_) total += static_cast<double>(candidate.weight);
    return total;
}

std::int32_t Sampler::pick(std::span<float> logits, std::int64_t position, const TokenMask* allowed) {
    penalise(logits);
    if (allowed != nullptr) allowed->apply(logits);
    // A model with broken weights yields NaN: then the first token is as good as any, and nothing below compares NaN.
    for (float& logit : logits) {
        if (std::isnan(logit)) logit = -INFINITY;
    }
    const auto best = std::ranges::max_element(logits);
    if (options_.temperature <= 0.0F || !std::isfinite(*best)) return static_cast<std::int32_t>(best - logits.begin());
    gather(logits, *best);
    cut_untypical();
    cut();
    double left = uniform_draw(options_.seed, static_cast<std::uint64_t>(position)) * total_weight();
    for (const Candidate& candidate : candidates_) {
        left -= static_cast<double>(candidate.weight);
        if (left < 0.0) return candidate.token;
    }
    return candidates_.back().token;  // rounding
}

}  // namespace sluice::local_engine
