// The meaning of every kernel, as plainly as it can be said: one thread, weights expanded to float, sums in double.
#include "local_engine/gguf/dequantize.hpp"
#include "local_engine/gguf/half.hpp"
#include "local_engine/kernels/host_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
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

// out (w.rows of the slab) = rows [first, first + rows) of w · x
Floats product(const Matrix& w, std::int64_t first, std::int64_t rows, const float* x) {
    Floats out(static_cast<std::size_t>(rows));
    for (std::int64_t row = 0; row < rows; ++row) {
        out[static_cast<std::size_t>(row)] = static_cast<float>(dot(expanded_row(w, first + row).data(), x, w.cols));
    }
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
    for (std::int32_t i = 0; i < rope.pairs; ++i) {
        const double angle = static_cast<double>(position) * static_cast<double>(rope.frequencies[i]);
        const double cosine = std::cos(angle) * static_cast<double>(rope.magnitude);
        const double sine = std::sin(angle) * static_cast<double>(rope.magnitude);
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

// silu(gate) * up
Floats swiglu(const Floats& gate, const Floats& up) {
    Floats hidden(gate.size());
    for (std::size_t i = 0; i < gate.size(); ++i) {
        const double g = static_cast<double>(gate[i]);
        hidden[i] = static_cast<float>(g / (1.0 + std::exp(-g)) * static_cast<double>(up[i]));
    }
    return hidden;
}

class ReferenceKernels final : public HostKernels {
public:
    std::string name() const override { return "reference"; }

    void embed(float* out, const Matrix& table) override {
        for (const std::int32_t token : batch().tokens) {
            out = std::ranges::copy(expanded_row(table, token), out).out;
        }
    }

    void rms_norm(float* out, const float* x, const float* weight, std::int64_t width, float epsilon) override {
        for (std::int64_t row = 0; row < batch().size(); ++row) {
            normalise(out + row * width, x + row * width, weight, width, epsilon);
        }
    }

    void matmul(std::span<const Projection> projections, const float* x) override {
        for (const auto& [weight, out, how] : projections) {
            for (std::int64_t row = 0; row < batch().size(); ++row) {
                add_or_set(out + row * weight.rows, product(weight, 0, weight.rows, x + row * weight.cols), how);
            }
        }
    }

    void rotate_and_store(float* q, float* k, const float* v, const Attention& a, const KvLayer& cache) override {
        for (std::int64_t row = 0; row < batch().size(); ++row) {
            const std::int64_t at = batch().position(row);
            for (std::int32_t head = 0; head < a.heads; ++head) {
                norm_and_rotate(q + (row * a.heads + head) * a.head_size, a.q_norm, a, at);
            }
            for (std::int32_t head = 0; head < a.kv_heads; ++head) {
                const std::int64_t from = (row * a.kv_heads + head) * a.head_size;
                norm_and_rotate(k + from, a.k_norm, a, at);
                const std::size_t to = cache_offset(batch().page(row, at), head, at, a);
                store(cache.keys, cache.type, to, k + from, a.head_size);
                store(cache.values, cache.type, to, v + from, a.head_size);
            }
        }
    }

    void attend(float* out, const float* q, const Attention& a, const KvLayer& cache) override {
        for (std::int64_t row = 0; row < batch().size(); ++row) {
            for (std::int32_t head = 0; head < a.heads; ++head) {
                const std::int64_t offset = (row * a.heads + head) * a.head_size;
                attend_head(out + offset, q + offset, row, head / (a.heads / a.kv_heads), a, cache);
            }
        }
    }

    void dense_ffn(float* inout, const DenseFfn& ffn, const float* x) override {
        for (std::int64_t row = 0; row < batch().size(); ++row) {
            const float* in = x + row * ffn.gate.cols;
            const Floats hidden = swiglu(product(ffn.gate, 0, ffn.gate.rows, in), product(ffn.up, 0, ffn.up.rows, in));
            add_or_set(inout + row * ffn.down.rows, product(ffn.down, 0, ffn.down.rows, hidden.data()), Store::Add);
        }
    }

    void route(std::int32_t* ids, float* weights, const MoeFfn& ffn, const float* x) override {
        for (std::int64_t row = 0; row < batch().size(); ++row) {
            const Floats scores = product(ffn.router, 0, ffn.experts, x + row * ffn.router.cols);
            choose_experts(ids + row * ffn.used, weights + row * ffn.used, ffn, scores.data());
        }
    }

    void moe_ffn(float* inout, const MoeFfn& ffn, const float* x) override {
        std::int32_t ids[kMaxExpertsUsed];
        float weights[kMaxExpertsUsed];
        const std::int64_t width = ffn.router.cols;
        for (std::int64_t row = 0; row < batch().size(); ++row) {
            const float* in = x + row * width;
            choose_experts(ids, weights, ffn, product(ffn.router, 0, ffn.experts, in).data());
            for (std::int32_t slot = 0; slot < ffn.used; ++slot) {
                const std::int64_t expert = ids[slot];
                const Floats hidden = swiglu(product(ffn.gate, expert * ffn.ffn, ffn.ffn, in),
                                             product(ffn.up, expert * ffn.ffn, ffn.ffn, in));
                Floats result = product(ffn.down, expert * width, width, hidden.data());
                for (float& value : result) value *= weights[slot];
                add_or_set(inout + row * width, result, Store::Add);
            }
        }
    }

    void logits(float* out, const Matrix& head, const float* x, const float* norm, float epsilon) override {
        Floats normed(static_cast<std::size_t>(head.cols));
        for (const std::int32_t row : batch().logit_rows) {
            normalise(normed.data(), x + row * head.cols, norm, head.cols, epsilon);
            out = std::ranges::copy(product(head, 0, head.rows, normed.data()), out).out;
        }
    }

private:
    static void add_or_set(float* out, const Floats& values, Store how) {
        for (std::size_t i = 0; i < values.size(); ++i) out[i] = how == Store::Add ? out[i] + values[i] : values[i];
    }

    static void norm_and_rotate(float* head, const float* norm, const Attention& a, std::int64_t position) {
        if (norm != nullptr) normalise(head, head, norm, a.head_size, a.norm_epsilon);
        rotate(head, a.rope, position);
    }

    void attend_head(float* out, const float* q, std::int64_t row, std::int32_t kv_head, const Attention& a,
                     const KvLayer& cache) const {
        std::vector<double> weights;
        for (std::int64_t at = 0; at <= batch().position(row); ++at) {
            const std::size_t offset = cache_offset(batch().page(row, at), kv_head, at, a);
            const Floats key = load(cache.keys, cache.type, offset, a.head_size);
            weights.push_back(dot(q, key.data(), a.head_size) * static_cast<double>(a.scale));
        }
        const double highest = *std::ranges::max_element(weights);
        double total = 0.0;
        for (double& weight : weights) total += weight = std::exp(weight - highest);
        std::vector<double> sum(static_cast<std::size_t>(a.head_size));
        for (std::size_t at = 0; at < weights.size(); ++at) {
            const auto where = static_cast<std::int64_t>(at);
            const std::size_t offset = cache_offset(batch().page(row, where), kv_head, where, a);
            const Floats value = load(cache.values, cache.type, offset, a.head_size);
            for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weights[at] / total * static_cast<double>(value[i]);
        }
        std::ranges::transform(sum, out, [](double value) { return static_cast<float>(value); });
    }
};

}  // namespace

std::unique_ptr<Kernels> make_reference_kernels() {
    return std::make_unique<ReferenceKernels>();
}

}  // namespace sluice::local_engine
