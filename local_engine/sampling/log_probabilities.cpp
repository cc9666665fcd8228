#include "local_engine/sampling/log_probabilities.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sluice::local_engine {

LogProbabilities::LogProbabilities(std::span<const float> logits) : logits_(logits) {
    float highest = -INFINITY;
    for (const float logit : logits) highest = std::max(highest, std::isnan(logit) ? -INFINITY : logit);
    if (!std::isfinite(highest)) return;
    double sum = 0.0;
    for (const float logit : logits) {
        if (!std::isnan(logit)) sum += static_cast<double>(std::exp(logit - highest));
    }
    normaliser_ = static_cast<double>(highest) + std::log(sum);
}

float LogProbabilities::of(std::int32_t token) const {
    if (token < 0 || static_cast<std::size_t>(token) >= logits_.size()) return -INFINITY;
    const float logit = logits_[static_cast<std::size_t>(token)];
    if (!std::isfinite(logit)) return -INFINITY;
    return std::min(0.0F, static_cast<float>(static_cast<double>(logit) - normaliser_));
}

std::vector<TokenProbability> LogProbabilities::best(std::size_t count) const {
    count = std::min(count, logits_.size());
    std::vector<std::int32_t> order(logits_.size());
    std::iota(order.begin(), order.end(), 0);
    const auto value = [this](std::int32_t token) {
        const float logit = logits_[static_cast<std::size_t>(token)];
        return std::isnan(logit) ? -INFINITY : logit;
    };
    const auto likelier = [&](std::int32_t a, std::int32_t b) {
        return value(a) != value(b) ? value(a) > value(b) : a < b;
    };
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(), likelier);
    std::vector<TokenProbability> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back({order[i], of(order[i])});
    return out;
}

}  // namespace sluice::local_engine
