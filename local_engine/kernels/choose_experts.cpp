// From a router's logits to the experts of one token and their weights: see Router.
#include "local_engine/kernels/host_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace sluice::local_engine {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

// Scores of the same order as the probabilities of softmax or sigmoid, or those themselves.
using Scores = std::vector<float>;

Scores probabilities(const MoeFfn& ffn, const float* logits) {
    Scores p(static_cast<std::size_t>(ffn.experts));
    if (ffn.router.gating == Router::Gating::Sigmoid) {
        std::transform(logits, logits + ffn.experts, p.begin(), [](float logit) {
            return static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(logit))));
        });
        return p;
    }
    const float highest = *std::max_element(logits, logits + ffn.experts);
    double total = 0.0;
    for (std::int32_t e = 0; e < ffn.experts; ++e) total += std::exp(static_cast<double>(logits[e] - highest));
    std::transform(logits, logits + ffn.experts, p.begin(), [&](float logit) {
        return static_cast<float>(std::exp(static_cast<double>(logit - highest)) / total);
    });
    return p;
}

// The `count` highest of `scores`, best first; a tie goes to the lower index. Scores that are not numbers come last.
void take_best(std::int32_t* ids, std::int32_t count, const Scores& scores) {
    std::vector<char> taken(scores.size(), 0);
    const auto beats = [](float a, float b) { return a > b || (std::isnan(b) && !std::isnan(a)); };
    for (std::int32_t slot = 0; slot < count; ++slot) {
        std::size_t best = scores.size();
        for (std::size_t i = 0; i < scores.size(); ++i) {
            if (taken[i] == 0 && (best == scores.size() || beats(scores[i], scores[best]))) best = i;
        }
        taken[best] = 1;
        ids[slot] = static_cast<std::int32_t>(best);
    }
}

// Rules out the experts of all groups but the best.
void keep_best_groups(Scores& scores, const Router& router) {
    const auto size = static_cast<std::ptrdiff_t>(scores.size()) / router.groups;
    Scores groups(static_cast<std::size_t>(router.groups));
    for (std::size_t g = 0; g < groups.size(); ++g) {
        float first = kNever;
        float second = kNever;
        for (auto at = scores.begin() + static_cast<std::ptrdiff_t>(g) * size;
             at != scores.begin() + static_cast<std::ptrdiff_t>(g + 1) * size; ++at) {
            if (*at > first) second = std::exchange(first, *at);
            else second = std::max(second, *at);
        }
        groups[g] = size > 1 ? first + second : first;
    }
    std::vector<std::int32_t> kept(static_cast<std::size_t>(router.groups_used));
    take_best(kept.data(), router.groups_used, groups);
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const auto group = static_cast<std::int32_t>(static_cast<std::ptrdiff_t>(i) / size);
        if (std::ranges::find(kept, group) == kept.end()) scores[i] = kNever;
    }
}

}  // namespace

void choose_experts(std::int32_t* ids, float* weights, const MoeFfn& ffn, const float* logits) {
    const Router& router = ffn.router;
    const bool of_chosen = router.gating == Router::Gating::SoftmaxOfChosen;
    const Scores p = of_chosen ? Scores(logits, logits + ffn.experts) : probabilities(ffn, logits);
    // Both gatings keep the order of the logits, which are exact where probabilities round to the same number.
    const bool as_logits = router.selection_bias == nullptr && router.groups <= 1;
    Scores selection = as_logits ? Scores(logits, logits + ffn.experts) : p;
    if (router.selection_bias != nullptr) {
        for (std::size_t i = 0; i < selection.size(); ++i) selection[i] += router.selection_bias[i];
    }
    if (router.groups > 1) keep_best_groups(selection, router);
    take_best(ids, ffn.used, selection);

    double total = 0.0;
    const float highest =
        p[static_cast<std::size_t>(*std::max_element(ids, ids + ffn.used, [&](std::int32_t a, std::int32_t b) {
            return p[static_cast<std::size_t>(a)] < p[static_cast<std::size_t>(b)];
        }))];
    for (std::int32_t slot = 0; slot < ffn.used; ++slot) {
        const float score = p[static_cast<std::size_t>(ids[slot])];
        weights[slot] = of_chosen ? static_cast<float>(std::exp(static_cast<double>(score - highest))) : score;
        total += static_cast<double>(weights[slot]);
    }
    constexpr double kLeast =
        6.103515625e-5;  // smallest normal half: what the published implementations divide by at least
    const double divisor = of_chosen ? total : router.normalise ? std::max(total, kLeast) : 1.0;
    for (std::int32_t slot = 0; slot < ffn.used; ++slot) {
        weights[slot] =
            static_cast<float>(static_cast<double>(weights[slot]) / divisor * static_cast<double>(router.scale));
    }
}

}  // namespace sluice::local_engine
