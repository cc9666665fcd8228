// Multi-head latent attention around attend(): queries take the key expansion in, results go through the value
// expansion. Both are products of one small matrix per head with that head's part of every token.
#include "local_engine/gguf/dequantize.hpp"
#include "local_engine/kernels/cpu/cpu_kernels.hpp"

#include <algorithm>

namespace sluice::local_engine::cpu {

// hidden_: (heads, n, size), the first `size` of the `stride` values of each head of each token.
void CpuKernels::gather_heads(const float* x, std::int64_t stride, std::int64_t heads, std::int64_t size) {
    const std::int64_t rows = batch().size();
    float* gathered = hidden_.resize(heads * rows, size);
    number_rows(static_cast<std::size_t>(heads * rows));
    for (std::int64_t head = 0; head < heads; ++head) {
        for (std::int64_t row = 0; row < rows; ++row, gathered += size) {
            std::copy_n(x + (row * heads + head) * stride, size, gathered);
        }
    }
}

// out (n, heads, out_stride), the first product.rows of each: what gather_heads gathered, times each head's rows.
void CpuKernels::head_products(float* out, std::int64_t out_stride, const HeadProduct& product, std::int64_t heads) {
    if (products_.wants_quantised(product.weight)) hidden_.quantise(simd_, pool_);
    const std::int64_t rows = batch().size();
    products_.for_each_tile(
        product.rows, heads, [&](int thread, std::int64_t first, std::int64_t count, std::int64_t head) {
            const float* tile = products_.tile(thread, 0, product.weight, product.first + head * product.stride + first,
                                               count, hidden_, identity_.data() + head * rows, rows);
            for (std::int64_t row = 0; row < rows; ++row) {
                std::copy_n(tile + row * kTileRows, count, out + (row * heads + head) * out_stride + first);
            }
        });
}

// The key expansion of old files, where a head's rows run along the latent values: sums of whole rows.
void CpuKernels::absorb_rows(float* out, const float* q, const LatentAttention& a) {
    const std::int64_t heads = a.attention.heads;
    pool_.for_each(heads, [&](std::int64_t head, int thread) {
        std::vector<float>& expanded = attention_[static_cast<std::size_t>(thread)].keys;
        expanded.resize(std::max(expanded.size(), static_cast<std::size_t>(a.latent)));
        const auto to = [&](std::int64_t row) { return out + (row * heads + head) * a.attention.head_size; };
        for (std::int64_t row = 0; row < batch().size(); ++row) std::fill_n(to(row), a.latent, 0.0F);
        for (std::int64_t i = 0; i < a.nope_size; ++i) {
            dequantize(a.key.type, a.key.row(a.key_first + head * a.key_stride + i), a.latent, expanded.data());
            for (std::int64_t row = 0; row < batch().size(); ++row) {
                const float factor = q[(row * heads + head) * (a.nope_size + a.rope_size) + i];
                simd_.add_scaled(to(row), expanded.data(), factor, a.latent);
            }
        }
    });
}

void CpuKernels::absorb_and_store(float* out, const float* q, float* compressed, const LatentAttention& a,
                                  const KvLayer& cache) {
    const Attention& over = a.attention;
    const std::int64_t query_size = a.nope_size + a.rope_size;
    if (a.keys == LatentAttention::Keys::Rows) {
        absorb_rows(out, q, a);
    } else {
        gather_heads(q, query_size, over.heads, a.nope_size);
        head_products(out, over.head_size, {a.key, a.key_first, a.key_stride, a.latent}, over.heads);
    }
    const float* turns = rotation_for(over.rope);
    for (std::int64_t row = 0; row < batch().size(); ++row, turns += over.rope.pairs * 2) {
        for (std::int64_t head = row * over.heads; head < (row + 1) * over.heads; ++head) {
            float* rotated = out + head * over.head_size + a.latent;
            std::copy_n(q + head * query_size + a.nope_size, a.rope_size, rotated);
            rotate(rotated, over.rope, turns);
        }
        float* kept = compressed + row * over.head_size;
        norm_row(kept, kept, a.latent_norm, a.latent, over.norm_epsilon);
        rotate(kept + a.latent, over.rope, turns);
        const std::int64_t at = batch().position(row);
        store(cache.keys, cache.type, cache_offset(batch().page(row, at), 0, at, 1, over.head_size), kept,
              over.head_size);
    }
}

void CpuKernels::expand_values(float* out, const float* mixed, const LatentAttention& a) {
    gather_heads(mixed, a.latent, a.attention.heads, a.latent);
    head_products(out, a.value_size, {a.value, a.value_first, a.value_stride, a.value_size}, a.attention.heads);
}

}  // namespace sluice::local_engine::cpu
