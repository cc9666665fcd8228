// The meaning of every kernel, as plainly as it can be said: one thread, weights expanded to float, sums in double.
#include "local_engine/gguf/dequantize.hpp"
#include "local_engine/gguf/half.hpp"
#include "local_engine/kernels/host_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <numbers>
#include <vector>

namespace sluice::local_engine {
namespace {

using Floats = std::vector<float>;

Floats expanded_row(const Matrix& matrix, std::int64_t row) {
    Floats values(static_cast<std::size_t>(matrix.cols));
    dequantize(matrix.type, matrix.row(row), matrix.cols, values.data());
    return values;
}

double dot(const float* a, const float* b, std::int64_t count) {
    double sum = 0.0;
    for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum;
}

// Rows [first, first + rows) of w times x, plus bias[rows] if there is one.
Floats product(const Matrix& w, std::int64_t first, std::int64_t rows, const float* x, const float* bias = nullptr) {
    Floats out(static_cast<std::size_t>(rows));
    for (std::int64_t row = 0; row < rows; ++row) {
        out[static_cast<std::size_t>(row)] = static_cast<float>(dot(expanded_row(w, first + row).data(), x, w.cols));
    }
    if (bias != nullptr) std::transform(out.begin(), out.end(), bias, out.begin(), std::plus<>{});
    return out;
}

void normalise(float* out, const float* x, const float* weight, std::int64_t width, float epsilon) {
    const double mean_square = dot(x, x, width) / static_cast<double>(width);
    const double factor = 1.0 / std::sqrt(mean_square + static_cast<double>(epsilon));
    for (std::int64_t i = 0; i < width; ++i) {
        out[i] = static_cast<float>(static_cast<double>(x[i]) * factor) * weight[i];
    }
}

void rotate(float* head, const Rope& rope, std::int64_t position) {
    const bool neighbours = rope.kind == Rope::Pairs::Neighbours;
    Floats turns(static_cast<std::size_t>(2 * rope.pairs));
    rope_turns(turns.data(), rope, position);
    for (std::int32_t i = 0; i < rope.pairs; ++i) {
        const auto cosine = static_cast<double>(turns[static_cast<std::size_t>(2 * i)]);
        const auto sine = static_cast<double>(turns[static_cast<std::size_t>(2 * i + 1)]);
        float& a = head[neighbours ? 2 * i : i];
        float& b = head[neighbours ? 2 * i + 1 : i + rope.pairs];
        const double first = static_cast<double>(a);
        const double second = static_cast<double>(b);
        a = static_cast<float>(first * cosine - second * sine);
        b = static_cast<float>(first * sine + second * cosine);
    }
}

void store(std::byte* cache, KvType type, std::size_t offset, const float* head, std::int32_t size) {
    for (std::int32_t i = 0; i < size; ++i) {
        const std::size_t at = offset + static_cast<std::size_t>(i);
        const std::uint16_t half = float_to_half(head[i]);
        if (type == KvType::F32) std::memcpy(cache + at * sizeof(float), head + i, sizeof(float));
        if (type == KvType::F16) std::memcpy(cache + at * sizeof(half), &half, sizeof(half));
    }
}

Floats load(const std::byte* cache, KvType type, std::size_t offset, std::int32_t size) {
    Floats head(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < head.size(); ++i) {
        std::uint16_t half = 0;
        if (type == KvType::F32) std::memcpy(&head[i], cache + (offset + i) * sizeof(float), sizeof(float));
        if (type == KvType::F16) {
            std::memcpy(&half, cache + (offset + i) * sizeof(half), sizeof(half));
            head[i] = half_to_float(half);
        }
    }
    return head;
}

double sigmoid(double x) {
    return 1.0 / (1.0 + std::exp(-x));
}

double activated(Activation activation, double gate, double up) {
    if (activation == Activation::SwigluClamped) {
        const double g = std::min(gate, 7.0);
        return g * sigmoid(1.702 * g) * (std::clamp(up, -7.0, 7.0) + 1.0);
    }
    if (activation == Activation::Geglu) {
        const double inner = std::sqrt(2.0 / std::numbers::pi) * (gate + 0.044715 * gate * gate * gate);
        return 0.5 * gate * (1.0 + std::tanh(inner)) * up;
    }
    return gate * sigmoid(gate) * up;
}

Floats activated(Activation activation, const Floats& gate, const Floats& up) {
    Floats hidden(gate.size());
    for (std::size_t i = 0; i < gate.size(); ++i) {
        hidden[i] = static_cast<float>(activated(activation, static_cast<double>(gate[i]), static_cast<double>(up[i])));
    }
    return hidden;
}

void add(float* out, const float* values, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) out[i] += values[i];
}

// What of an expert's slab of biases belongs to it; none without biases.
const float* slab(const float* biases, std::int64_t expert, std::int64_t size) {
    return biases != nullptr ? biases + expert * size : nullptr;
}

class ReferenceKernels final : public HostKernels {
public:
    std::string name() const override { return "reference"; }

    void embed(float* out, const Matrix& table, float factor) override {
        for (const std::int32_t token : batch().tokens) {
            for (const float value : expanded_row(table, token)) *out++ = value * factor;
        }
    }

    void rms_norm(float* out, const float* x, const float* weight, std::int64_t width, float epsilon) override {
        for (std::int64_t row = 0; row < batch().size(); ++row) {
            normalise(out + row * width, x + row * width, weight, width, epsilon);
        }
    }

    void add_rms_norm(float* inout, const float* x, const float* weight, std::int64_t width, float epsilon) override {
        Floats normed(static_cast<std::size_t>(width));
        for (std::int64_t row = 0; row < batch().size(); ++row) {
            normalise(normed.data(), x + row * width, weight, width, epsilon);
            add(inout + row * width, normed.data(), normed.size());
        }
    }

    void matmul(std::span<const Projection> projections, const float* x) override {
        for (const auto& [weight, out, how, bias] : projections) {
            for (std::int64_t at = 0; at < weight.rows; ++at) {  // each row is expanded once
                const Floats values = expanded_row(weight, at);
                for (std::int64_t row = 0; row < batch().size(); ++row) {
                    const double sum = dot(values.data(), x + row * weight.cols, weight.cols) +
                                       (bias != nullptr ? static_cast<double>(bias[at]) : 0.0);
                    float& to = out[row * weight.rows + at];
                    to = static_cast<float>(how == Store::Add ? static_cast<double>(to) + sum : sum);
                }
            }
        }
    }

    void rotate_and_store(float* q, float* k, const float* v, const Attention& a, const KvLayer& cache) override {
        for (std::int64_t row = 0; row < batch().size(); ++row) {
            const std::int64_t at = batch().position(row);
            for (std::int32_t head = 0; head < a.heads; ++head) {
                float* query = q + (row * a.heads + head) * a.head_size;
                norm_and_rotate(query, a.q_norm, a, at);
                for (std::int32_t i = 0; i < a.head_size; ++i) query[i] *= query_temperature(a, at);
            }
            for (std::int32_t head = 0; head < a.kv_heads; ++head) {
                const std::int64_t from = (row * a.kv_heads + head) * a.head_size;
                norm_and_rotate(k + from, a.k_norm, a, at);
                const std::size_t to = cache_offset(batch().page(row, at), head, at, a.kv_heads, a.head_size);
                store(cache.keys, cache.type, to, k + from, a.head_size);
                store(cache.values, cache.type, to, v + from, a.head_size);
            }
        }
    }

    void absorb_and_store(float* out, const float* q, float* compressed, const LatentAttention& a,
                          const KvLayer& cache) override {
        const Attention& over = a.attention;
        for (std::int64_t row = 0; row < batch().size(); ++row) {
            const std::int64_t at = batch().position(row);
            float* kept = compressed + row * over.head_size;
            normalise(kept, kept, a.latent_norm, a.latent, over.norm_epsilon);
            rotate(kept + a.latent, over.rope, at);
            store(cache.keys, cache.type, cache_offset(batch().page(row, at), 0, at, 1, over.head_size), kept,
                  over.head_size);
            for (std::int32_t head = 0; head < over.heads; ++head) {
                const float* query = q + (row * over.heads + head) * (a.nope_size + a.rope_size);
                float* to = out + (row * over.heads + head) * over.head_size;
                std::ranges::copy(absorbed(a, head, query), to);
                std::copy_n(query + a.nope_size, a.rope_size, to + a.latent);
                rotate(to + a.latent, over.rope, at);
            }
        }
    }

    void attend(float* out, const float* q, const Attention& a, const KvLayer& cache) override {
        for (std::int64_t row = 0; row < batch().size(); ++row) {
            for (std::int32_t head = 0; head < a.heads; ++head) {
                attend_head(out + (row * a.heads + head) * a.values_per_head(),
                            q + (row * a.heads + head) * a.head_size, row, head, a, cache);
            }
        }
    }

    void expand_values(float* out, const float* mixed, const LatentAttention& a) override {
        for (std::int64_t row = 0; row < batch().size(); ++row) {
            for (std::int32_t head = 0; head < a.attention.heads; ++head) {
                const float* in = mixed + (row * a.attention.heads + head) * a.latent;
                out = std::ranges::copy(product(a.value, a.value_first + head * a.value_stride, a.value_size, in), out)
                          .out;
            }
        }
    }

    void dense_ffn(float* out, const DenseFfn& ffn, const float* x, Store how) override {
        for (std::int64_t row = 0; row < batch().size(); ++row) {
            const float* in = x + row * ffn.gate.cols;
            const Floats hidden =
                activated(ffn.activation, product(ffn.gate, 0, ffn.gate.rows, in), product(ffn.up, 0, ffn.up.rows, in));
            float* to = out + row * ffn.down.rows;
            if (how == Store::Overwrite) std::fill_n(to, ffn.down.rows, 0.0F);
            const Floats result = product(ffn.down, 0, ffn.down.rows, hidden.data());
            add(to, result.data(), result.size());
        }
    }

    void route(std::int32_t* ids, float* weights, const MoeFfn& ffn, const float* x) override {
        for (std::int64_t row = 0; row < batch().size(); ++row) {
            const Floats scores =
                product(ffn.router.weight, 0, ffn.experts, x + row * ffn.router.weight.cols, ffn.router.bias);
            choose_experts(ids + row * ffn.used, weights + row * ffn.used, ffn, scores.data());
        }
    }

    void moe_ffn(float* inout, const MoeFfn& ffn, const float* x) override {
        std::vector<std::int32_t> ids(static_cast<std::size_t>(batch().size() * ffn.used));
        Floats weights(ids.size());
        route(ids.data(), weights.data(), ffn, x);
        const std::int64_t width = ffn.router.weight.cols;
        for (std::size_t slot = 0; slot < ids.size(); ++slot) {
            const std::int64_t row = static_cast<std::int64_t>(slot) / ffn.used;
            const std::int64_t expert = ids[slot];
            Floats in(x + row * width, x + (row + 1) * width);
            if (ffn.weigh_input) {
                for (float& value : in) value *= weights[slot];
            }
            const Floats hidden =
                activated(ffn.activation,
                          product(ffn.gate, expert * ffn.ffn, ffn.ffn, in.data(), slab(ffn.gate_bias, expert, ffn.ffn)),
                          product(ffn.up, expert * ffn.ffn, ffn.ffn, in.data(), slab(ffn.up_bias, expert, ffn.ffn)));
            Floats result = product(ffn.down, expert * width, width, hidden.data(), slab(ffn.down_bias, expert, width));
            if (!ffn.weigh_input) {
                for (float& value : result) value *= weights[slot];
            }
            add(inout + row * width, result.data(), result.size());
        }
        if (ffn.shared.down) dense_ffn(inout, ffn.shared, x, Store::Add);
    }

    void logits(float* out, const Matrix& head, const float* x, const float* norm, float epsilon) override {
        Floats normed(static_cast<std::size_t>(head.cols));
        for (const std::int32_t row : batch().logit_rows) {
            normalise(normed.data(), x + row * head.cols, norm, head.cols, epsilon);
            out = std::ranges::copy(product(head, 0, head.rows, normed.data()), out).out;
        }
    }

private:
    static void norm_and_rotate(float* head, const float* norm, const Attention& a, std::int64_t position) {
        if (norm != nullptr) normalise(head, head, norm, a.head_size, a.norm_epsilon);
        rotate(head, a.rope, position);
        if (!a.norm_after_rotation) return;
        const Floats ones(static_cast<std::size_t>(a.head_size), 1.0F);
        normalise(head, head, ones.data(), a.head_size, a.norm_epsilon);
    }

    // The unrotated part of one head's query, times its key expansion: (latent)
    static Floats absorbed(const LatentAttention& a, std::int32_t head, const float* query) {
        const std::int64_t first = a.key_first + head * a.key_stride;
        if (a.keys == LatentAttention::Keys::Absorbed) return product(a.key, first, a.latent, query);
        std::vector<double> sum(static_cast<std::size_t>(a.latent));
        for (std::int32_t i = 0; i < a.nope_size; ++i) {
            const Floats row = expanded_row(a.key, first + i);
            for (std::size_t j = 0; j < sum.size(); ++j) {
                sum[j] += static_cast<double>(query[i]) * static_cast<double>(row[j]);
            }
        }
        return {sum.begin(), sum.end()};
    }

    void attend_head(float* out, const float* q, std::int64_t row, std::int32_t head, const Attention& a,
                     const KvLayer& cache) const {
        const std::int64_t kv_head = head / (a.heads / a.kv_heads);
        const std::int64_t last = batch().position(row);
        const std::int64_t first = a.mask.first_seen(last);
        std::vector<double> weights;
        for (std::int64_t at = first; at <= last; ++at) {
            const std::size_t offset = cache_offset(batch().page(row, at), kv_head, at, a.kv_heads, a.head_size);
            const Floats key = load(cache.keys, cache.type, offset, a.head_size);
            weights.push_back(dot(q, key.data(), a.head_size) * static_cast<double>(a.scale));
        }
        double highest = *std::ranges::max_element(weights);
        double total = 0.0;
        if (a.sinks != nullptr) {
            highest = std::max(highest, static_cast<double>(a.sinks[head]));
            total = std::exp(static_cast<double>(a.sinks[head]) - highest);
        }
        for (double& weight : weights) total += weight = std::exp(weight - highest);
        std::vector<double> sum(static_cast<std::size_t>(a.values_per_head()));
        for (std::int64_t at = first; at <= last; ++at) {
            const Floats value = load_value(cache, batch().page(row, at), kv_head, at, a);
            const double share = weights[static_cast<std::size_t>(at - first)] / total;
            for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += share * static_cast<double>(value[i]);
        }
        std::ranges::transform(sum, out, [](double value) { return static_cast<float>(value); });
    }

    static Floats load_value(const KvLayer& cache, std::int64_t page, std::int64_t kv_head, std::int64_t at,
                             const Attention& a) {
        const bool in_keys = cache.values == nullptr;
        const std::int32_t size = in_keys ? a.head_size : a.values_per_head();
        const std::size_t offset = cache_offset(page, kv_head, at, a.kv_heads, size);
        return load(in_keys ? cache.keys : cache.values, cache.type, offset, a.values_per_head());
    }
};

}  // namespace

std::unique_ptr<Kernels> make_reference_kernels() {
    return std::make_unique<ReferenceKernels>();
}

}  // namespace sluice::local_engine
