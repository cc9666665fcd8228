// Rotation of queries and keys, and attention over the paged cache.
#include "local_engine/kernels/cpu/cpu_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sluice::local_engine::cpu {

// Sines and cosines are the same in all layers: computed once per batch.
const float* CpuKernels::rotation_for(const Rope& rope) {
    for (const Rotation& known : rotations_) {
        if (known.of == rope.factors) return known.turns.data();
    }
    Rotation& made = rotations_[0].of == nullptr ? rotations_[0] : rotations_[1];
    made.of = rope.factors;
    made.turns.resize(static_cast<std::size_t>(batch().size() * rope.pairs * 2));
    for (std::int64_t row = 0; row < batch().size(); ++row) {
        rope_turns(made.turns.data() + row * rope.pairs * 2, rope, batch().position(row));
    }
    return made.turns.data();
}

// turns: those of the token
void CpuKernels::rotate(float* head, const Rope& rope, const float* turns) {
    const bool neighbours = rope.kind == Rope::Pairs::Neighbours;
    const std::int64_t step = neighbours ? 2 : 1;
    float* a = head;
    float* b = head + (neighbours ? 1 : rope.pairs);
    for (std::int32_t pair = 0; pair < rope.pairs; ++pair, turns += 2, a += step, b += step) {
        const float first = *a;
        *a = first * turns[0] - *b * turns[1];
        *b = first * turns[1] + *b * turns[0];
    }
}

void CpuKernels::store(std::byte* cache, KvType type, std::size_t offset, const float* values,
                       std::int64_t count) const {
    if (type == KvType::F16) simd_.to_half(cache + 2 * offset, values, count);
    else std::copy_n(values, count, reinterpret_cast<float*>(cache) + offset);
}

void CpuKernels::rotate_and_store(float* q, float* k, const float* v, const Attention& a, const KvLayer& cache) {
    const float* turns = a.rope.pairs > 0 ? rotation_for(a.rope) : nullptr;
    const std::int64_t size = a.head_size;
    const std::vector<float> ones(a.norm_after_rotation ? static_cast<std::size_t>(size) : 0, 1.0F);
    const auto prepare = [&](float* head, const float* norm, std::int64_t row) {
        if (norm != nullptr) norm_row(head, head, norm, size, a.norm_epsilon);
        rotate(head, a.rope, turns + row * a.rope.pairs * 2);
        if (a.norm_after_rotation) norm_row(head, head, ones.data(), size, a.norm_epsilon);
    };
    each_row(batch().size(), a.heads * size, [&](std::int64_t row, int) {
        const std::int64_t at = batch().position(row);
        for (std::int64_t head = 0; head < a.heads; ++head) prepare(q + (row * a.heads + head) * size, a.q_norm, row);
        if (a.temperature != 0.0F) simd_.scale(q + row * a.heads * size, query_temperature(a, at), a.heads * size);
        const std::int64_t page = batch().page(row, at);
        for (std::int64_t head = 0; head < a.kv_heads; ++head) {
            const std::int64_t from = (row * a.kv_heads + head) * size;
            const std::size_t to = cache_offset(page, head, at, a.kv_heads, size);
            prepare(k + from, a.k_norm, row);
            store(cache.keys, cache.type, to, k + from, size);
            store(cache.values, cache.type, to, v + from, size);
        }
    });
}

// Query heads that share a key/value head also share its pages; many of them (latent attention has one key head for
// all) are split, so that a single token keeps more than one thread busy.
void CpuKernels::attend(float* out, const float* q, const Attention& a, const KvLayer& cache) {
    constexpr std::int64_t kMostHeads = 16;
    const std::int64_t group = a.heads / a.kv_heads;
    const std::int64_t parts = (group + kMostHeads - 1) / kMostHeads;
    const auto tiles = static_cast<std::int64_t>(tiles_.size());
    const std::int64_t per_tile = a.kv_heads * parts;
    pool_.for_each(tiles * per_tile, [&](std::int64_t task, int thread) {
        const std::int64_t first = task % parts * kMostHeads;
        // The last tiles of a prompt see the most keys: they start first.
        const QueryBlock block{tiles_[static_cast<std::size_t>(tiles - 1 - task / per_tile)], task % per_tile / parts,
                               task % per_tile / parts * group + first, std::min(kMostHeads, group - first)};
        attend_block(out, q, block, a, cache, attention_[static_cast<std::size_t>(thread)]);
    });
}

const float* CpuKernels::page_floats(std::vector<float>& scratch, const std::byte* cache, KvType type,
                                     std::size_t offset, std::int64_t count) const {
    if (type == KvType::F32) return reinterpret_cast<const float*>(cache) + offset;
    scratch.resize(std::max(scratch.size(), static_cast<std::size_t>(count)));
    simd_.from_half(scratch.data(), cache + 2 * offset, count);
    return scratch.data();
}

// Soft-max over pages as they come (Milakov and Gimelshein 2018): the highest score so far, the sum of weights relative
// to it, and the weighted sum of values, rescaled whenever a page holds a higher one. A sink is a score met before all.
void CpuKernels::attend_block(float* out, const float* q, const QueryBlock& block, const Attention& a,
                              const KvLayer& cache, AttentionScratch& scratch) const {
    const QueryTile& tile = block.tile;
    const std::int64_t size = a.head_size;
    const std::int64_t value_size = a.values_per_head();
    const bool values_in_keys = cache.values == nullptr;
    const std::int64_t value_stride = values_in_keys ? size : value_size;
    const std::int64_t queries = tile.count * block.heads;
    const auto head_of = [&](std::int64_t query) { return block.first_head + query % block.heads; };
    const auto slot_of = [&](std::int64_t query) {
        return (tile.first + query / block.heads) * a.heads + head_of(query);
    };
    scratch.scores.resize(kPageTokens);
    scratch.highest.assign(static_cast<std::size_t>(queries), -std::numeric_limits<float>::infinity());
    scratch.total.assign(static_cast<std::size_t>(queries), 0.0F);
    for (std::int64_t query = 0; query < queries; ++query) {
        std::fill_n(out + slot_of(query) * value_size, value_size, 0.0F);
        if (a.sinks == nullptr) continue;
        scratch.highest[static_cast<std::size_t>(query)] = a.sinks[head_of(query)];
        scratch.total[static_cast<std::size_t>(query)] = 1.0F;
    }

    const std::int64_t last = batch().position(tile.first + tile.count - 1);
    const std::int64_t first = a.mask.first_seen(batch().position(tile.first)) / kPageTokens * kPageTokens;
    for (std::int64_t start = first; start <= last; start += kPageTokens) {
        const std::int64_t page = batch().page(tile.first, start);
        const std::int64_t held = std::min<std::int64_t>(kPageTokens, last + 1 - start);
        const float* keys = page_floats(scratch.keys, cache.keys, cache.type,
                                        cache_offset(page, block.kv_head, start, a.kv_heads, size), held * size);
        const float* values =
            values_in_keys
                ? keys
                : page_floats(scratch.values, cache.values, cache.type,
                              cache_offset(page, block.kv_head, start, a.kv_heads, value_size), held * value_size);
        for (std::int64_t query = 0; query < queries; ++query) {
            const std::int64_t position = batch().position(tile.first + query / block.heads);
            const std::int64_t from = std::max<std::int64_t>(0, a.mask.first_seen(position) - start);
            const std::int64_t seen = std::min(held, position + 1 - start) - from;
            if (seen <= 0) continue;
            const float* head = q + slot_of(query) * size;
            float* sum = out + slot_of(query) * value_size;
            float* scores = scratch.scores.data();
            const float* key = keys + from * size;
            std::int64_t at = 0;
            for (; at + 4 <= seen; at += 4) simd_.dot_4(scores + at, head, key + at * size, size, size);
            for (; at < seen; ++at) scores[at] = simd_.dot(head, key + at * size, size);
            simd_.scale(scores, a.scale, seen);

            float& highest = scratch.highest[static_cast<std::size_t>(query)];
            float& total = scratch.total[static_cast<std::size_t>(query)];
            const float before = highest;
            highest = std::max(highest, *std::max_element(scores, scores + seen));
            if (highest > before) {
                const float shrink = std::exp(before - highest);
                total *= shrink;
                simd_.scale(sum, shrink, value_size);
            }
            total += simd_.exp_minus(scores, highest, seen);
            const float* value = values + from * value_stride;
            for (at = 0; at + 4 <= seen; at += 4) {
                simd_.add_4(sum, scores + at, value + at * value_stride, value_stride, value_size);
            }
            for (; at < seen; ++at) simd_.add_scaled(sum, value + at * value_stride, scores[at], value_size);
        }
    }
    for (std::int64_t query = 0; query < queries; ++query) {
        simd_.scale(out + slot_of(query) * value_size, 1.0F / scratch.total[static_cast<std::size_t>(query)],
                    value_size);
    }
}

}  // namespace sluice::local_engine::cpu
