// What happens to queries and keys before attention: norm per head, rotation, temperature, and the way into the cache.
// One warp per token and head. Every value of a head belongs to one lane throughout, so nobody waits for a neighbour.
#pragma once

#include "local_engine/kernels/cuda/formats.cuh"

namespace sluice::local_engine::cuda {
inline namespace SLUICE_TARGET {

struct Turn {
    float cosine, sine;
};

// The angle is formed step by step in float, as models have seen it: see Rope.
SLUICE_DEVICE Turn turn_of(const Rope& rope, std::int64_t position, std::int32_t pair) {
    auto turned = static_cast<float>(position);
    for (std::int32_t i = 0; i < pair; ++i) turned *= rope.step;
    const float angle = turned / rope.divisors[pair] * rope.factors[pair];
    return {cosf(angle) * rope.magnitude, sinf(angle) * rope.magnitude};
}

// Calls visit(e) for the values of a head that are this lane's: those of its pairs, then those beyond the rotated ones.
template <class Visit>
SLUICE_DEVICE void for_own_values(const Rope& rope, std::int32_t size, const Visit& visit) {
    for (std::int32_t pair = lane(); pair < rope.pairs; pair += kWarp) {
        const bool neighbours = rope.kind == Rope::Pairs::Neighbours;
        visit(neighbours ? 2 * pair : pair);
        visit(neighbours ? 2 * pair + 1 : pair + rope.pairs);
    }
    for (std::int32_t e = 2 * rope.pairs + lane(); e < size; e += kWarp) visit(e);
}

SLUICE_DEVICE void rotate_pairs(float* head, const Rope& rope, std::int64_t position) {
    for (std::int32_t pair = lane(); pair < rope.pairs; pair += kWarp) {
        const bool neighbours = rope.kind == Rope::Pairs::Neighbours;
        float* a = head + (neighbours ? 2 * pair : pair);
        float* b = head + (neighbours ? 2 * pair + 1 : pair + rope.pairs);
        const Turn turn = turn_of(rope, position, pair);
        const float first = *a;
        const float second = *b;
        *a = first * turn.cosine - second * turn.sine;
        *b = first * turn.sine + second * turn.cosine;
    }
}

SLUICE_DEVICE float norm_factor(float squares, std::int32_t size, float epsilon) {
    return 1.0F / sqrtf(warp_sum(squares) / static_cast<float>(size) + epsilon);
}

// head *= norm * weight, weight may be null
SLUICE_DEVICE void norm_head(float* head, const float* weight, const Attention& a) {
    float squares = 0.0F;
    for_own_values(a.rope, a.head_size, [&](std::int32_t e) { squares += head[e] * head[e]; });
    const float factor = norm_factor(squares, a.head_size, a.norm_epsilon);
    for_own_values(a.rope, a.head_size, [&](std::int32_t e) {
        head[e] *= weight != nullptr ? factor * weight[e] : factor;
    });
}

SLUICE_DEVICE std::int64_t page_of(const Tokens& batch, std::int64_t row, std::int64_t at) {
    return batch.pages[static_cast<std::int64_t>(batch.sequences[row]) * batch.pages_per_sequence + at / kPageTokens];
}
SLUICE_DEVICE std::int64_t cache_offset(std::int64_t page, std::int64_t head, std::int64_t at, std::int64_t kv_heads,
                                        std::int64_t size) {
    return ((page * kv_heads + head) * kPageTokens + at % kPageTokens) * size;
}
SLUICE_DEVICE void store(std::byte* cache, KvType type, std::int64_t at, float value) {
    if (type == KvType::F32) reinterpret_cast<float*>(cache)[at] = value;
    else reinterpret_cast<std::uint16_t*>(cache)[at] = half_bits(value);
}
SLUICE_DEVICE float cached(const std::byte* cache, KvType type, std::int64_t at) {
    if (type == KvType::F32) return reinterpret_cast<const float*>(cache)[at];
    return half_value(reinterpret_cast<const std::uint16_t*>(cache)[at]);
}

// Grid: (n, heads + kv_heads), one warp each.
SLUICE_KERNEL void SLUICE_THREADS(kWarp) rotate_kernel(Rotate op) {
    const Attention& a = op.attention;
    const std::int64_t row = block_x();
    const std::int64_t at = op.batch.positions[row];
    const std::int64_t kv_head = block_y() - a.heads;
    const bool key = kv_head >= 0;
    float* head = key ? op.k + (row * a.kv_heads + kv_head) * a.head_size : op.q + (row * a.heads + block_y()) * a.head_size;
    const float* weight = key ? a.k_norm : a.q_norm;
    if (weight != nullptr) norm_head(head, weight, a);
    rotate_pairs(head, a.rope, at);
    if (a.norm_after_rotation) norm_head(head, nullptr, a);
    if (!key) {
        if (a.temperature == 0.0F) return;
        const auto chunks = static_cast<float>((at + 1) / a.temperature_length);
        const float factor = 1.0F + a.temperature * logf(1.0F + chunks);
        for_own_values(a.rope, a.head_size, [&](std::int32_t e) { head[e] *= factor; });
        return;
    }
    const float* value = op.v + (row * a.kv_heads + kv_head) * a.head_size;
    const std::int64_t to = cache_offset(page_of(op.batch, row, at), kv_head, at, a.kv_heads, a.head_size);
    for_own_values(a.rope, a.head_size, [&](std::int32_t e) {
        store(op.cache.keys, op.cache.type, to + e, head[e]);
        store(op.cache.values, op.cache.type, to + e, value[e]);
    });
}

// Grid: (n, heads + 1), one warp each: the rotated part of every query, and the compressed row.
SLUICE_KERNEL void SLUICE_THREADS(kWarp) rotate_latent_kernel(RotateLatent op) {
    const LatentAttention& latent = op.latent;
    const Attention& a = latent.attention;
    const std::int64_t row = block_x();
    const std::int64_t at = op.batch.positions[row];
    if (block_y() < a.heads) {
        const std::int64_t head = row * a.heads + block_y();
        const float* from = op.q + head * (latent.nope_size + latent.rope_size) + latent.nope_size;
        float* to = op.out + head * a.head_size + latent.latent;
        for_own_values(a.rope, latent.rope_size, [&](std::int32_t e) { to[e] = from[e]; });
        rotate_pairs(to, a.rope, at);
        return;
    }
    float* kept = op.row + row * a.head_size;
    const std::int64_t to = cache_offset(page_of(op.batch, row, at), 0, at, 1, a.head_size);
    float squares = 0.0F;
    for (std::int32_t e = lane(); e < latent.latent; e += kWarp) squares += kept[e] * kept[e];
    const float factor = norm_factor(squares, latent.latent, a.norm_epsilon);
    for (std::int32_t e = lane(); e < latent.latent; e += kWarp) {
        store(op.cache.keys, op.cache.type, to + e, kept[e] * factor * latent.latent_norm[e]);
    }
    float* key = kept + latent.latent;
    rotate_pairs(key, a.rope, at);
    for_own_values(a.rope, latent.rope_size, [&](std::int32_t e) {
        store(op.cache.keys, op.cache.type, to + latent.latent + e, key[e]);
    });
}

// Grid: (columns, latent / 32), one warp each; a lane sums up one latent value over the rows of its head.
SLUICE_KERNEL void SLUICE_THREADS(kWarp) absorb_rows_kernel(AbsorbRows op) {
    const LatentAttention& latent = op.latent;
    const Attention& a = latent.attention;
    const std::int64_t column = block_x();
    const std::int64_t value = block_y() * kWarp + lane();
    if (value >= latent.latent) return;
    const std::int64_t first = latent.key_first + column % a.heads * latent.key_stride;
    const float* q = op.q + column * (latent.nope_size + latent.rope_size);
    float sum = 0.0F;
    for (std::int32_t i = 0; i < latent.nope_size; ++i) {
        sum += q[i] * value_at(latent.key.type, row_at(latent.key, first + i), value);
    }
    op.out[column * a.head_size + value] = sum;
}

}  // namespace SLUICE_TARGET
}  // namespace sluice::local_engine::cuda
