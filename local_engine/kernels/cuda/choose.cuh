// From a router's logits to experts and their weights, one warp per token: the rules of choose_experts.cpp, with
// exponentials in double as there, so that both choose alike. Whatever the logits are, ids are distinct experts.
#pragma once

#include "local_engine/kernels/cuda/thread.cuh"

namespace sluice::local_engine::cuda {
inline namespace SLUICE_TARGET {

struct Candidate {
    float score;
    std::int32_t id;  // below zero: none
};

// The better one; a tie goes to the lower id.
SLUICE_DEVICE Candidate better(Candidate a, Candidate b) {
    if (a.id < 0 || b.id < 0) return a.id < 0 ? b : a;
    if (a.score != b.score) return a.score > b.score ? a : b;
    return a.id < b.id ? a : b;
}

// The best of scores (count) that is not taken yet, marked as taken, the same for all lanes. `scores` is not NaN.
SLUICE_DEVICE Candidate take_best(const float* scores, std::int32_t* taken, std::int32_t count) {
    Candidate best{0.0F, -1};
    for (std::int32_t i = lane(); i < count; i += kWarp) {
        if (taken[i] == 0) best = better(best, {scores[i], i});
    }
    SLUICE_UNROLL
    for (std::int32_t step = kWarp / 2; step > 0; step /= 2) {
        const Candidate other{from_lane(best.score, lane() ^ step), from_lane(best.id, lane() ^ step)};
        best = better(best, other);
    }
    if (lane() == 0) taken[best.id] = 1;
    warp_barrier();
    return best;
}

SLUICE_DEVICE double warp_sum_of_doubles(double value) {
    SLUICE_UNROLL
    for (std::int32_t step = kWarp / 2; step > 0; step /= 2) value += from_lane(value, lane() ^ step);
    return value;
}

// p (experts) from logits: probabilities, or the logits themselves when only the chosen are weighed.
SLUICE_DEVICE void fill_probabilities(float* p, const float* logits, const Choose& op) {
    if (op.router.gating == Router::Gating::Softmax) {
        float highest = -INFINITY;
        for (std::int32_t e = lane(); e < op.experts; e += kWarp) highest = fmaxf(highest, logits[e]);
        highest = warp_max(highest);
        double total = 0.0;
        for (std::int32_t e = lane(); e < op.experts; e += kWarp) total += exp(static_cast<double>(logits[e] - highest));
        total = warp_sum_of_doubles(total);
        for (std::int32_t e = lane(); e < op.experts; e += kWarp) {
            p[e] = static_cast<float>(exp(static_cast<double>(logits[e] - highest)) / total);
        }
        return;
    }
    const bool sigmoid = op.router.gating == Router::Gating::Sigmoid;
    for (std::int32_t e = lane(); e < op.experts; e += kWarp) {
        p[e] = sigmoid ? static_cast<float>(1.0 / (1.0 + exp(-static_cast<double>(logits[e])))) : logits[e];
    }
}

// Rules out the experts of all groups but the best: a group scores the sum of its best two.
SLUICE_DEVICE void keep_best_groups(float* scores, float* groups, std::int32_t* taken, const Choose& op) {
    const std::int32_t size = op.experts / op.router.groups;
    for (std::int32_t g = lane(); g < op.router.groups; g += kWarp) {
        float first = -INFINITY;
        float second = -INFINITY;
        for (std::int32_t e = g * size; e < (g + 1) * size; ++e) {
            if (scores[e] > first) {
                second = first;
                first = scores[e];
            } else {
                second = fmaxf(second, scores[e]);
            }
        }
        groups[g] = size > 1 ? first + second : first;
        taken[g] = 0;
    }
    warp_barrier();
    for (std::int32_t i = 0; i < op.router.groups_used; ++i) take_best(groups, taken, op.router.groups);
    for (std::int32_t e = lane(); e < op.experts; e += kWarp) {
        if (taken[e / size] == 0) scores[e] = -INFINITY;
    }
    warp_barrier();
}

constexpr std::size_t choose_shared_bytes(const Choose& op) {
    return static_cast<std::size_t>(op.experts) * (3 * sizeof(float) + sizeof(std::int32_t)) + kMaxExpertsUsed * sizeof(float);
}

// Lane 0's part: from the scores of the chosen to their weights.
SLUICE_DEVICE void weigh(float* weights, float* chosen, const Choose& op) {
    const bool of_chosen = op.router.gating == Router::Gating::SoftmaxOfChosen;
    float highest = chosen[0];
    for (std::int32_t slot = 1; slot < op.used; ++slot) highest = fmaxf(highest, chosen[slot]);
    double total = 0.0;
    for (std::int32_t slot = 0; slot < op.used; ++slot) {
        if (of_chosen) chosen[slot] = static_cast<float>(exp(static_cast<double>(chosen[slot] - highest)));
        total += static_cast<double>(chosen[slot]);
    }
    constexpr double kLeast = 6.103515625e-5;  // see choose_experts.cpp
    const double divisor = of_chosen ? total : op.router.normalise ? (total > kLeast ? total : kLeast) : 1.0;
    for (std::int32_t slot = 0; slot < op.used; ++slot) {
        weights[slot] = static_cast<float>(static_cast<double>(chosen[slot]) / divisor * static_cast<double>(op.router.scale));
    }
}

// Grid: (rows), one warp each.
SLUICE_KERNEL void SLUICE_THREADS(kWarp) choose_kernel(Choose op) {
    const std::int64_t row = block_x();
    const float* logits = op.logits + row * op.experts;
    float* p = shared_array<float*>(choose_shared_bytes(op));
    float* scores = p + op.experts;
    float* groups = scores + op.experts;
    auto* taken = reinterpret_cast<std::int32_t*>(groups + op.experts);
    auto* chosen = reinterpret_cast<float*>(taken + op.experts);
    fill_probabilities(p, logits, op);
    // Gatings keep the order of the logits, which are exact where probabilities round to the same number.
    const bool as_logits = op.router.selection_bias == nullptr && op.router.groups <= 1;
    for (std::int32_t e = lane(); e < op.experts; e += kWarp) {
        float score = as_logits ? logits[e] : p[e];
        if (op.router.selection_bias != nullptr) score += op.router.selection_bias[e];
        scores[e] = score == score ? score : -INFINITY;  // what is no number comes last
    }
    warp_barrier();
    if (op.router.groups > 1) keep_best_groups(scores, groups, taken, op);
    for (std::int32_t e = lane(); e < op.experts; e += kWarp) taken[e] = 0;
    warp_barrier();
    for (std::int32_t slot = 0; slot < op.used; ++slot) {
        const Candidate best = take_best(scores, taken, op.experts);
        if (lane() != 0) continue;
        op.ids[row * op.used + slot] = best.id;
        chosen[slot] = p[best.id];
    }
    if (lane() == 0) weigh(op.weights + row * op.used, chosen, op);
}

}  // namespace SLUICE_TARGET
}  // namespace sluice::local_engine::cuda
