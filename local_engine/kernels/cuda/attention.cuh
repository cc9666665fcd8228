// Attention over the paged cache, in one pass over keys and values with a running soft-max (flash decoding). A block
// serves the query heads that share a key/value head, one warp each; keys, then values, of 32 positions at a time are
// read once into shared memory.
//
// A token's positions are summed up in chunks of kChunkTokens, counted from position zero, and the chunks are merged in
// order. Whether the chunks are computed side by side by several blocks (few tokens, long contexts) or one after the
// other by one block, the arithmetic is the same to the bit: a request's text does not depend on its neighbours.
#pragma once

#include "local_engine/kernels/cuda/rotation.cuh"

namespace sluice::local_engine::cuda {
inline namespace SLUICE_TARGET {

inline constexpr std::int32_t kAttendWarps = 4;
inline constexpr std::int32_t kTileTokens = kWarp;  // a lane scores one key

// One head's share of some positions: values of lane + 32 i, not yet divided by `total`, relative to exp(highest).
template <int kValues>
struct Part {
    float sums[kValues] = {};
    float highest = -INFINITY;
    float total = 0.0F;
};

// exp(a - highest), where both may be minus infinity
SLUICE_DEVICE float share(float a, float highest) { return a == highest ? 1.0F : expf(a - highest); }

// Written with fused multiply-add by hand, so that every place that merges rounds alike.
template <int kValues>
SLUICE_DEVICE void merge(Part<kValues>& into, const Part<kValues>& next) {
    const float highest = fmaxf(into.highest, next.highest);
    const float ours = share(into.highest, highest);
    const float theirs = share(next.highest, highest);
    SLUICE_UNROLL
    for (int i = 0; i < kValues; ++i) into.sums[i] = fmaf(into.sums[i], ours, next.sums[i] * theirs);
    into.total = fmaf(into.total, ours, next.total * theirs);
    into.highest = highest;
}

template <int kValues>
SLUICE_DEVICE void put_result(const Attend& op, std::int64_t row, std::int64_t head, const Part<kValues>& part) {
    const Attention& a = op.attention;
    float factor = 1.0F;
    float total = part.total;
    if (a.sinks != nullptr) {
        const float highest = fmaxf(part.highest, a.sinks[head]);
        factor = share(part.highest, highest);
        total = fmaf(total, factor, share(a.sinks[head], highest));
    }
    float* out = op.out + (row * a.heads + head) * values_of(a);
    SLUICE_UNROLL
    for (int i = 0; i < kValues; ++i) {
        const std::int32_t e = lane() + i * kWarp;
        if (e < values_of(a)) out[e] = part.sums[i] * factor / total;
    }
}

constexpr std::size_t attend_stride(const Attention& a) {
    return static_cast<std::size_t>(a.head_size > values_of(a) ? a.head_size : values_of(a)) | 1U;
}
// Shared memory of a block: one tile, queries and shares of each warp. Rows are an odd number of floats apart, so that
// lanes which read one column of the tile use different banks.
constexpr std::size_t attend_shared_bytes(const Attention& a) {
    return (kTileTokens * attend_stride(a) + kAttendWarps * static_cast<std::size_t>(a.head_size + kTileTokens)) * sizeof(float);
}

struct AttendShared {
    float *tile, *query, *shares;
    std::int32_t stride;
};

// Positions [begin, begin + kTileTokens) of one head, those from `end` on as zeros.
SLUICE_DEVICE void load_tile(const AttendShared& shared, const Attend& op, const std::byte* cache, std::int64_t row,
                             std::int64_t kv_head, std::int64_t begin, std::int64_t end, std::int32_t size) {
    for (std::int32_t i = thread(); i < kTileTokens * size; i += threads()) {
        const std::int32_t token = i / size;
        const std::int64_t at = begin + token;
        float value = 0.0F;
        if (at < end) {
            const std::int64_t from =
                cache_offset(page_of(op.batch, row, at), kv_head, at, op.attention.kv_heads, size);
            value = cached(cache, op.cache.type, from + i % size);
        }
        shared.tile[token * shared.stride + i % size] = value;
    }
}

// One warp's head over positions [begin, end) of a chunk. All warps of the block call it, those without a head too.
template <int kValues>
SLUICE_DEVICE Part<kValues> attend_chunk(const AttendShared& shared, const Attend& op, std::int64_t row,
                                         std::int64_t kv_head, std::int64_t begin, std::int64_t end) {
    const Attention& a = op.attention;
    Part<kValues> part;
    for (std::int64_t tile = begin; tile < end; tile += kTileTokens) {
        barrier();  // nobody reads the last tile any more
        load_tile(shared, op, op.cache.keys, row, kv_head, tile, end, a.head_size);
        barrier();
        float score = 0.0F;
        for (std::int32_t e = 0; e < a.head_size; ++e) score += shared.query[e] * shared.tile[lane() * shared.stride + e];
        score = tile + lane() < end ? score * a.scale : -INFINITY;
        const float highest = fmaxf(part.highest, warp_max(score));
        const float kept = share(part.highest, highest);
        const float mine = tile + lane() < end ? share(score, highest) : 0.0F;
        part.highest = highest;
        part.total = fmaf(part.total, kept, warp_sum(mine));
        shared.shares[lane()] = mine;
        if (op.cache.values != nullptr) {
            barrier();
            load_tile(shared, op, op.cache.values, row, kv_head, tile, end, values_of(a));
        }
        barrier();
        SLUICE_UNROLL
        for (int i = 0; i < kValues; ++i) {
            const std::int32_t e = lane() + i * kWarp;
            if (e >= values_of(a)) continue;
            float sum = part.sums[i] * kept;
            for (std::int32_t t = 0; t < kTileTokens; ++t) sum = fmaf(shared.shares[t], shared.tile[t * shared.stride + e], sum);
            part.sums[i] = sum;
        }
    }
    return part;
}

// Grid: (n, kv_heads * blocks of query heads, chunks or 1).
template <int kValues>
SLUICE_KERNEL void SLUICE_THREADS(kAttendWarps* kWarp) attend_kernel(Attend op) {
    const Attention& a = op.attention;
    const std::int64_t row = block_x();
    const std::int32_t group = a.heads / a.kv_heads;
    const std::int32_t blocks = (group + kAttendWarps - 1) / kAttendWarps;
    const std::int64_t kv_head = block_y() / blocks;
    const std::int64_t in_group = block_y() % blocks * kAttendWarps + warp();
    const bool works = in_group < group;  // warps without a head help to load tiles
    const std::int64_t head = kv_head * group + (works ? in_group : 0);

    const std::int64_t last = op.batch.positions[row];
    const std::int64_t first = a.mask.first_seen(last);
    const std::int64_t first_chunk = first / kChunkTokens + (op.parts != nullptr ? block_z() : 0);
    const std::int64_t last_chunk = op.parts != nullptr ? first_chunk : last / kChunkTokens;
    if (first_chunk > last / kChunkTokens) return;  // the whole block

    float* memory = shared_array<float*>(attend_shared_bytes(a));
    AttendShared shared{};
    shared.stride = static_cast<std::int32_t>(attend_stride(a));
    shared.tile = memory;
    shared.query = memory + kTileTokens * shared.stride + warp() * a.head_size;
    shared.shares = memory + kTileTokens * shared.stride + kAttendWarps * a.head_size + warp() * kTileTokens;
    for (std::int32_t e = lane(); e < a.head_size; e += kWarp) shared.query[e] = op.q[(row * a.heads + head) * a.head_size + e];

    Part<kValues> all;
    for (std::int64_t chunk = first_chunk; chunk <= last_chunk; ++chunk) {
        const std::int64_t from = chunk * kChunkTokens;
        const std::int64_t to = from + kChunkTokens;
        const Part<kValues> part = attend_chunk<kValues>(shared, op, row, kv_head, from > first ? from : first,
                                                         to <= last ? to : last + 1);
        merge(all, part);  // the first one into nothing, which leaves it as it is
    }
    if (!works) return;
    if (op.parts == nullptr) return put_result(op, row, head, all);
    float* out = op.parts + ((row * a.heads + head) * op.chunks + block_z()) * (values_of(a) + 2);
    SLUICE_UNROLL
    for (int i = 0; i < kValues; ++i) {
        const std::int32_t e = lane() + i * kWarp;
        if (e < values_of(a)) out[e] = all.sums[i];
    }
    if (lane() != 0) return;
    out[values_of(a)] = all.highest;
    out[values_of(a) + 1] = all.total;
}

// Grid: (n, heads), one warp each.
template <int kValues>
SLUICE_KERNEL void SLUICE_THREADS(kWarp) merge_kernel(Attend op) {
    const Attention& a = op.attention;
    const std::int64_t row = block_x();
    const std::int64_t last = op.batch.positions[row];
    const std::int64_t chunks = last / kChunkTokens - a.mask.first_seen(last) / kChunkTokens + 1;
    const float* parts = op.parts + (row * a.heads + block_y()) * op.chunks * (values_of(a) + 2);
    Part<kValues> all;
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk, parts += values_of(a) + 2) {
        Part<kValues> part;
        SLUICE_UNROLL
        for (int i = 0; i < kValues; ++i) {
            const std::int32_t e = lane() + i * kWarp;
            part.sums[i] = e < values_of(a) ? parts[e] : 0.0F;
        }
        part.highest = parts[values_of(a)];
        part.total = parts[values_of(a) + 1];
        merge(all, part);
    }
    put_result(op, row, block_y(), all);
}

}  // namespace SLUICE_TARGET
}  // namespace sluice::local_engine::cuda
