// Rotation of queries and keys, and attention over the paged cache.
#include "local_engine/kernels/cpu/cpu_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sluice::local_engine::cpu {

// Sines and cosines are the same in all layers: computed once per batch, in double because positions are large.
void CpuKernels::prepare_rotation(const Rope& rope) {
    if (rotation_of_ == rope.frequencies) return;
    rotation_of_ = rope.frequencies;
    rotation_.resize(static_cast<std::size_t>(batch().size() * rope.pairs * 2));
    float* out = rotation_.data();
    for (std::int64_t row = 0; row < batch().size(); ++row) {
        for (std::int32_t pair = 0; pair < rope.pairs; ++pair) {
            const double angle =
                static_cast<double>(batch().position(row)) * static_cast<double>(rope.frequencies[pair]);
            *out++ = static_cast<float>(std::cos(angle)) * rope.magnitude;
            *out++ = static_cast<float>(std::sin(angle)) * rope.magnitude;
        }
    }
}

void CpuKernels::rotate(float* head, const Rope& rope, std::int64_t row) const {
    const float* turn = rotation_.data() + row * rope.pairs * 2;
    const bool neighbours = rope.kind == Rope::Pairs::Neighbours;
    const std::int64_t step = neighbours ? 2 : 1;
    float* a = head;
    float* b = head + (neighbours ? 1 : rope.pairs);
    for (std::int32_t pair = 0; pair < rope.pairs; ++pair, turn += 2, a += step, b += step) {
        const float first = *a;
        *a = first * turn[0] - *b * turn[1];
        *b = first * turn[1] + *b * turn[0];
    }
}

void CpuKernels::rotate_and_store(float* q, float* k, const float* v, const Attention& a, const KvLayer& cache) {
    prepare_rotation(a.rope);
    const std::int64_t size = a.head_size;
    const std::size_t value_bytes = cache.type == KvType::F16 ? 2 : sizeof(float);
    const auto prepare = [&](float* head, const float* norm, std::int64_t row) {
        if (norm != nullptr) norm_row(head, head, norm, size, a.norm_epsilon);
        rotate(head, a.rope, row);
    };
    const auto store = [&](std::byte* to, const float* head) {
        if (cache.type == KvType::F16) simd_.to_half(to, head, size);
        else std::copy_n(head, size, reinterpret_cast<float*>(to));
    };
    for (std::int64_t row = 0; row < batch().size(); ++row) {
        for (std::int64_t head = 0; head < a.heads; ++head) prepare(q + (row * a.heads + head) * size, a.q_norm, row);
        const std::int64_t at = batch().position(row);
        const std::int64_t page = batch().page(row, at);
        for (std::int64_t head = 0; head < a.kv_heads; ++head) {
            const std::int64_t from = (row * a.kv_heads + head) * size;
            const std::size_t to = cache_offset(page, head, at, a) * value_bytes;
            prepare(k + from, a.k_norm, row);
            store(cache.keys + to, k + from);
            store(cache.values + to, v + from);
        }
    }
}

void CpuKernels::attend(float* out, const float* q, const Attention& attention, const KvLayer& cache) {
    const auto tiles = static_cast<std::int64_t>(tiles_.size());
    pool_.for_each(tiles * attention.kv_heads, [&](std::int64_t task, int thread) {
        // The last tiles of a prompt see the most keys: they start first.
        const QueryTile& tile = tiles_[static_cast<std::size_t>(tiles - 1 - task / attention.kv_heads)];
        attend_tile(out, q, tile, task % attention.kv_heads, attention, cache,
                    attention_[static_cast<std::size_t>(thread)]);
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
// to it, and the weighted sum of values, rescaled whenever a page holds a higher one.
void CpuKernels::attend_tile(float* out, const float* q, const QueryTile& tile, std::int64_t kv_head,
                             const Attention& a, const KvLayer& cache, AttentionScratch& scratch) const {
    const std::int64_t size = a.head_size;
    const std::int64_t group = a.heads / a.kv_heads;
    const std::int64_t queries = tile.count * group;
    const auto offset_of = [&](std::int64_t query) {
        return ((tile.first + query / group) * a.heads + kv_head * group + query % group) * size;
    };
    scratch.scores.resize(kPageTokens);
    scratch.highest.assign(static_cast<std::size_t>(queries), -std::numeric_limits<float>::infinity());
    scratch.total.assign(static_cast<std::size_t>(queries), 0.0F);
    for (std::int64_t query = 0; query < queries; ++query) std::fill_n(out + offset_of(query), size, 0.0F);

    const std::int64_t last = batch().position(tile.first + tile.count - 1);
    for (std::int64_t start = 0; start <= last; start += kPageTokens) {
        const std::size_t offset = cache_offset(batch().page(tile.first, start), kv_head, start, a);
        const std::int64_t held = std::min<std::int64_t>(kPageTokens, last + 1 - start);
        const float* keys = page_floats(scratch.keys, cache.keys, cache.type, offset, held * size);
        const float* values = page_floats(scratch.values, cache.values, cache.type, offset, held * size);
        for (std::int64_t query = 0; query < queries; ++query) {
            const std::int64_t seen = std::min(held, batch().position(tile.first + query / group) + 1 - start);
            if (seen <= 0) continue;
            const float* head = q + offset_of(query);
            float* sum = out + offset_of(query);
            float* scores = scratch.scores.data();
            std::int64_t at = 0;
            for (; at + 4 <= seen; at += 4) simd_.dot_4(scores + at, head, keys + at * size, size, size);
            for (; at < seen; ++at) scores[at] = simd_.dot(head, keys + at * size, size);
            simd_.scale(scores, a.scale, seen);

            float& highest = scratch.highest[static_cast<std::size_t>(query)];
            float& total = scratch.total[static_cast<std::size_t>(query)];
            const float before = highest;
            highest = std::max(highest, *std::max_element(scores, scores + seen));
            if (highest > before) {
                const float shrink = std::exp(before - highest);
                total *= shrink;
                simd_.scale(sum, shrink, size);
            }
            total += simd_.exp_minus(scores, highest, seen);
            for (at = 0; at + 4 <= seen; at += 4) simd_.add_4(sum, scores + at, values + at * size, size, size);
            for (; at < seen; ++at) simd_.add_scaled(sum, values + at * size, scores[at], size);
        }
    }
    for (std::int64_t query = 0; query < queries; ++query) {
        simd_.scale(out + offset_of(query), 1.0F / scratch.total[static_cast<std::size_t>(query)], size);
    }
}

}  // namespace sluice::local_engine::cpu
