#include "subject.hpp"

#include "local_engine/gguf/half.hpp"

#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

namespace sluice::local_engine::bench {
namespace {

// Offsets of a block's half-precision scales; all other bits are random.
std::vector<std::size_t> scales_of(TensorType type) {
    if (type == TensorType::Q4_K) return {0, 2};
    return {type == TensorType::Q6_K ? 208U : 0U};
}

Matrix make_matrix(Subject& subject, TensorType type, std::int64_t rows, std::int64_t cols) {
    std::mt19937_64 random(subject.made.size());
    const std::size_t row = row_bytes(type, cols);
    std::vector<std::byte>& bytes = subject.made.emplace_back(row * static_cast<std::size_t>(rows));
    if (type == TensorType::F32) {
        std::normal_distribution<float> value(0.0F, 0.05F);
        for (std::size_t at = 0; at < bytes.size(); at += sizeof(float)) {
            const float number = value(random);
            std::memcpy(bytes.data() + at, &number, sizeof(number));
        }
    } else {
        for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
            const std::uint64_t bits = random();
            std::memcpy(bytes.data() + at, &bits, sizeof(bits));
        }
        // Scales that keep the variance of a product near that of its input.
        const std::uint16_t scale =
            float_to_half((type == TensorType::Q8_0 ? 0.013F : 0.0015F) / std::sqrt(static_cast<float>(cols)));
        const auto block = static_cast<std::size_t>(traits(type)->block_bytes);
        for (std::size_t at = 0; at < bytes.size(); at += block) {
            for (const std::size_t offset : scales_of(type))
                std::memcpy(bytes.data() + at + offset, &scale, sizeof(scale));
        }
    }
    return {bytes.data(), type, rows, cols, row};
}

const float* make_vector(Subject& subject, std::int64_t size, float value = 1.0F) {
    return subject.weights.vectors.emplace_back(static_cast<std::size_t>(size), value).data();
}

// The shapes of the design notes: qwen3-0.6B, and a mixture of experts with four of its fourteen layers.
ModelPlan made_plan(bool experts) {
    ModelPlan plan{.architecture = experts ? "qwen3moe" : "qwen3", .width = experts ? 2048 : 1024};
    plan.vocabulary = experts ? 32768 : 151936;
    plan.context_length = 4096;
    plan.norm_epsilon = 1e-6F;
    LayerPlan layer{.heads = 16,
                    .kv_heads = experts ? 4 : 8,
                    .head_size = 128,
                    .attention_scale = 0.088F,
                    .qk_norm = LayerPlan::QkNorm::Weighted,
                    .ffn = 3072};
    if (experts) layer.moe = MoePlan{.experts = 64, .used = 8, .ffn = 768};
    plan.layers.assign(experts ? 4 : 28, layer);
    plan.ropes.push_back({.pairs = Rope::Pairs::Halves,
                          .step = std::pow(1e6F, -1.0F / 64.0F),
                          .divisors = std::vector<float>(64, 1.0F),
                          .factors = std::vector<float>(64, 1.0F)});
    return plan;
}

LayerWeights make_layer(Subject& subject, TensorType type, TensorType down) {
    const ModelPlan& plan = subject.plan;
    const LayerPlan& layer = plan.layers.front();
    LayerWeights weights{.attention_norm = make_vector(subject, plan.width),
                         .query = make_matrix(subject, type, layer.query_width(), plan.width),
                         .key = make_matrix(subject, type, layer.kv_width(), plan.width),
                         .value = make_matrix(subject, down, layer.kv_width(), plan.width),
                         .output = make_matrix(subject, type, plan.width, layer.query_width()),
                         .ffn_norm = make_vector(subject, plan.width)};
    const RopePlan& rope = plan.ropes.front();
    weights.attention = {.heads = static_cast<std::int32_t>(layer.heads),
                         .kv_heads = static_cast<std::int32_t>(layer.kv_heads),
                         .head_size = static_cast<std::int32_t>(layer.head_size),
                         .scale = layer.attention_scale,
                         .norm_epsilon = plan.norm_epsilon,
                         .q_norm = make_vector(subject, layer.head_size),
                         .k_norm = make_vector(subject, layer.head_size),
                         .rope = {rope.pairs, rope.step, rope.divisors.data(), rope.factors.data(), 64, 1.0F}};
    if (!layer.moe) {
        weights.ffn = DenseFfn{make_matrix(subject, type, layer.ffn, plan.width),
                               make_matrix(subject, type, layer.ffn, plan.width),
                               make_matrix(subject, down, plan.width, layer.ffn)};
        return weights;
    }
    const MoePlan& moe = *layer.moe;
    weights.ffn = MoeFfn{.experts = static_cast<std::int32_t>(moe.experts),
                         .used = static_cast<std::int32_t>(moe.used),
                         .router = {.weight = make_matrix(subject, TensorType::F32, moe.experts, plan.width)},
                         .gate = make_matrix(subject, type, moe.experts * moe.ffn, plan.width),
                         .up = make_matrix(subject, type, moe.experts * moe.ffn, plan.width),
                         .down = make_matrix(subject, down, moe.experts * plan.width, moe.ffn),
                         .ffn = moe.ffn};
    return weights;
}

void make_weights(Subject& subject, bool eight_bits) {
    const TensorType type = eight_bits ? TensorType::Q8_0 : TensorType::Q4_K;
    const TensorType large = eight_bits ? TensorType::Q8_0 : TensorType::Q6_K;
    for (std::size_t i = 0; i < subject.plan.layers.size(); ++i) {
        // As the usual mixture does it: half of the layers keep more bits in value and down.
        subject.weights.layers.push_back(make_layer(subject, type, i % 2 == 0 ? large : type));
    }
    subject.weights.output_norm = make_vector(subject, subject.plan.width);
    subject.weights.head = make_matrix(subject, large, subject.plan.vocabulary, subject.plan.width);
    subject.weights.embedding = subject.weights.head;
}

double bytes_of(const Matrix& matrix) {
    return static_cast<double>(matrix.row_bytes) * static_cast<double>(matrix.rows);
}

void count_bytes(Subject& subject) {
    subject.shared_bytes = bytes_of(subject.weights.head);
    for (const LayerWeights& layer : subject.weights.layers) {
        subject.shared_bytes +=
            bytes_of(layer.query) + bytes_of(layer.key) + bytes_of(layer.value) + bytes_of(layer.output);
        if (const auto* dense = std::get_if<DenseFfn>(&layer.ffn)) {
            subject.shared_bytes += bytes_of(dense->gate) + bytes_of(dense->up) + bytes_of(dense->down);
        }
        if (const auto* moe = std::get_if<MoeFfn>(&layer.ffn)) {
            subject.shared_bytes += bytes_of(moe->router.weight);
            subject.expert_bytes += bytes_of(moe->gate) + bytes_of(moe->up) + bytes_of(moe->down);
        }
    }
}

}  // namespace

double Subject::bytes_per_step(int tokens) const {
    if (plan.experts() == 0) return shared_bytes;
    const double chosen = static_cast<double>(plan.experts_used()) / static_cast<double>(plan.experts());
    return shared_bytes + expert_bytes * (1.0 - std::pow(1.0 - chosen, tokens));
}

core::Result<std::unique_ptr<Subject>> open_subject(const std::string& what, int threads, const ForwardLimits& limits) {
    auto subject = std::make_unique<Subject>();
    subject->name = what;
    subject->kernels = make_cpu_kernels({threads});
    if (what.ends_with(".gguf")) {
        auto file = gguf::Reader::open(what);
        if (!file) return file.error();
        auto plan = read_plan(**file);
        if (!plan) return plan.error();
        subject->file = std::move(*file);
        subject->plan = std::move(*plan);
        auto weights = load_weights(*subject->file, subject->plan, *subject->kernels);
        if (!weights) return weights.error();
        subject->weights = std::move(*weights);
    } else if (what == "dense06b-q8" || what == "dense06b-q4" || what == "moe-q4" || what == "moe-q8") {
        subject->plan = made_plan(what.starts_with("moe"));
        make_weights(*subject, what.ends_with("q8"));
    } else {
        return core::Error{core::Errc::InvalidRequest, "is neither a known shape nor a .gguf file", what};
    }
    count_bytes(*subject);
    auto forward = Forward::create(subject->plan, subject->weights, *subject->kernels, limits);
    if (!forward) return forward.error();
    subject->forward = std::move(*forward);
    return subject;
}

}  // namespace sluice::local_engine::bench
