#include "tests/bench/gpu/synthetic_model.hpp"

#include "local_engine/gguf/half.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <utility>

namespace sluice::local_engine::bench {
namespace {

constexpr std::size_t kPatternBytes = std::size_t{16} << 20U;
constexpr std::uint64_t kReserve = std::uint64_t{1} << 30U;  // for the kernels' own scratch and the driver
constexpr std::size_t kMostLayersOfLess = 4;                 // as few as still say something

// Offsets of a block's half-precision scales; all other bits are random.
std::vector<std::size_t> scales_of(TensorType type) {
    if (type == TensorType::Q4_K) return {0, 2};
    return {type == TensorType::Q6_K ? std::size_t{208} : std::size_t{0}};
}

// Whole blocks of the type, about as many bytes as asked for.
std::vector<std::byte> pattern_of(TensorType type, std::int64_t cols, std::size_t bytes, std::mt19937_64& random) {
    const auto block = static_cast<std::size_t>(traits(type)->block_bytes);
    std::vector<std::byte> pattern(std::max<std::size_t>(1, std::min(bytes, kPatternBytes) / block) * block);
    const float spread = 1.0F / std::sqrt(static_cast<float>(cols));
    if (type == TensorType::F32) {
        std::normal_distribution<float> value(0.0F, spread);
        for (std::size_t at = 0; at < pattern.size(); at += sizeof(float)) {
            const float number = value(random);
            std::memcpy(pattern.data() + at, &number, sizeof(number));
        }
        return pattern;
    }
    for (std::byte& byte : pattern) byte = static_cast<std::byte>(random() >> 32U);
    const std::uint16_t scale = float_to_half((type == TensorType::Q8_0 ? 0.013F : 0.0015F) * spread);
    // 4-bit floats at random have a root mean square of 2.9
    const auto exponent = static_cast<std::byte>(127 + static_cast<int>(std::lround(std::log2(spread / 2.9F))));
    for (std::size_t at = 0; at < pattern.size(); at += block) {
        if (type == TensorType::MXFP4) pattern[at] = exponent;
        else
            for (const std::size_t offset : scales_of(type))
                std::memcpy(pattern.data() + at + offset, &scale, sizeof(scale));
    }
    return pattern;
}

std::vector<std::byte> random_halves() {
    std::mt19937_64 random(7);
    std::normal_distribution<float> value;
    std::vector<std::byte> pattern(std::size_t{4} << 20U);
    for (std::size_t at = 0; at < pattern.size(); at += 2) {
        const std::uint16_t half = float_to_half(value(random));
        std::memcpy(pattern.data() + at, &half, sizeof(half));
    }
    return pattern;
}

class Maker {
public:
    explicit Maker(SyntheticModel& model) : model_(model) {}
    bool full() const { return full_; }

    Matrix matrix(TensorType type, std::int64_t rows, std::int64_t cols) {
        const std::size_t row = row_bytes(type, cols);
        const std::size_t bytes = row * static_cast<std::size_t>(rows);
        std::byte* memory = model_.kernels->allocate(bytes);
        full_ = full_ || memory == nullptr;
        if (memory != nullptr) model_.device->fill(memory, bytes, pattern_of(type, cols, bytes, random_));
        return {memory, type, rows, cols, row};
    }
    const float* vector(std::int64_t size, float value) {
        return vector(std::vector<float>(static_cast<std::size_t>(size), value));
    }
    const float* vector(const std::vector<float>& values) {
        const Matrix placed =
            model_.kernels->place({reinterpret_cast<const std::byte*>(values.data()), TensorType::F32, 1,
                                   static_cast<std::int64_t>(values.size()), values.size() * sizeof(float)});
        return reinterpret_cast<const float*>(placed.data);
    }

private:
    SyntheticModel& model_;
    std::mt19937_64 random_{11};
    bool full_ = false;
};

Attention attention_of(Maker& make, const ModelPlan& plan, const LayerPlan& layer, const Rope& rope) {
    Attention attention = attention_without_weights(plan, layer);
    if (layer.rope >= 0) attention.rope = rope;
    if (layer.sinks) attention.sinks = make.vector(layer.heads, 0.1F);
    if (layer.qk_norm == LayerPlan::QkNorm::Weighted) {
        attention.q_norm = make.vector(layer.head_size, 1.0F);
        attention.k_norm = make.vector(layer.head_size, 1.0F);
    }
    return attention;
}

DenseFfn dense_of(Maker& make, std::int64_t width, std::int64_t ffn, TensorType up, TensorType down,
                  Activation activation) {
    return {make.matrix(up, ffn, width), make.matrix(up, ffn, width), make.matrix(down, width, ffn), activation};
}

MoeFfn experts_of(Maker& make, std::int64_t width, const LayerPlan& layer, TensorType up, TensorType down) {
    const MoePlan& plan = *layer.moe;
    MoeFfn ffn{.experts = static_cast<std::int32_t>(plan.experts),
               .used = static_cast<std::int32_t>(plan.used),
               .router = {.weight = make.matrix(TensorType::F32, plan.experts, width),
                          .gating = plan.gating,
                          .normalise = plan.normalise,
                          .scale = plan.weight_scale},
               .gate = make.matrix(up, plan.experts * plan.ffn, width),
               .up = make.matrix(up, plan.experts * plan.ffn, width),
               .down = make.matrix(down, plan.experts * width, plan.ffn),
               .ffn = plan.ffn,
               .activation = layer.activation,
               .weigh_input = plan.weigh_input};
    if (plan.biases) {
        ffn.router.bias = make.vector(plan.experts, 0.0F);
        ffn.gate_bias = make.vector(plan.experts * plan.ffn, 0.01F);
        ffn.up_bias = make.vector(plan.experts * plan.ffn, 0.01F);
        ffn.down_bias = make.vector(plan.experts * width, 0.01F);
    }
    if (plan.shared_ffn > 0) ffn.shared = dense_of(make, width, plan.shared_ffn, up, down, layer.activation);
    return ffn;
}

LayerWeights layer_of(Maker& make, const Shape& shape, std::int64_t index, std::int64_t layers, const Rope& rope) {
    const ModelPlan& plan = shape.plan;
    const LayerPlan& layer = plan.layers[static_cast<std::size_t>(index)];
    const Mixture& mix = shape.mixture;
    const bool more = mix.more_bits(index, layers);
    const TensorType down = more ? mix.down_more : mix.down;
    LayerWeights weights{.attention_norm = make.vector(plan.width, 1.0F),
                         .query = make.matrix(mix.attention, layer.query_width(), plan.width),
                         .key = make.matrix(mix.attention, layer.kv_width(), plan.width),
                         .value = make.matrix(more ? mix.value_more : mix.value, layer.kv_width(), plan.width),
                         .attention = attention_of(make, plan, layer, rope),
                         .output = make.matrix(mix.attention, plan.width, layer.query_width()),
                         .ffn_norm = make.vector(plan.width, 1.0F)};
    if (layer.qkv_bias == LayerPlan::Bias::Required) {
        weights.query_bias = make.vector(layer.query_width(), 0.01F);
        weights.key_bias = make.vector(layer.kv_width(), 0.01F);
        weights.value_bias = make.vector(layer.kv_width(), 0.01F);
    }
    if (layer.output_bias) weights.output_bias = make.vector(plan.width, 0.01F);
    if (layer.moe) weights.ffn = experts_of(make, plan.width, layer, mix.up, down);
    else weights.ffn = dense_of(make, plan.width, layer.ffn, mix.up, down, layer.activation);
    return weights;
}

void make_weights(Maker& make, SyntheticModel& model) {
    const ModelPlan& plan = model.shape.plan;
    const RopePlan& made = plan.ropes.front();
    const Rope rope{made.pairs,
                    made.step,
                    make.vector(made.divisors),
                    make.vector(made.factors),
                    static_cast<std::int32_t>(made.factors.size()),
                    made.magnitude};
    Weights& weights = model.weights;
    weights.embedding = make.matrix(model.shape.mixture.embedding, plan.vocabulary, plan.width);
    for (std::int64_t i = 0; i < std::ssize(plan.layers) && !make.full(); ++i)
        weights.layers.push_back(layer_of(make, model.shape, i, model.whole_layers, rope));
    weights.output_norm = make.vector(plan.width, 1.0F);
    weights.head = make.matrix(model.shape.mixture.head, plan.vocabulary, plan.width);
}

std::size_t cache_bytes(const LayerPlan& layer, std::int32_t pages) {
    return static_cast<std::size_t>(layer.kv_width() * kPageTokens) * 2 * static_cast<std::size_t>(pages);
}

// Takes layers away until the rest fits.
bool shrink_to_fit(Shape& shape, std::uint64_t room) {
    while (size_of(shape).bytes > static_cast<double>(room)) {
        if (shape.plan.layers.size() <= kMostLayersOfLess) return false;
        shape.plan.layers.pop_back();
    }
    return true;
}

}  // namespace

core::Result<std::unique_ptr<SyntheticModel>> make_synthetic(std::unique_ptr<cuda::Device> device, Shape shape,
                                                             ForwardLimits limits) {
    auto model = std::make_unique<SyntheticModel>();
    auto counting = std::make_unique<CountingDevice>(std::move(device));
    model->device = counting.get();
    model->kernels = std::make_unique<cuda::DeviceKernels>(std::move(counting), Activations::Q8);
    model->whole_layers = std::ssize(shape.plan.layers);
    model->shape = std::move(shape);
    const ModelPlan& plan = model->shape.plan;
    const std::uint64_t free = model->device->free_memory();
    limits.kv_type = KvType::F16;
    const std::uint64_t scratch = Forward::scratch_bytes(plan, limits) + kReserve;
    const std::uint64_t room = free > scratch ? free - scratch : 0;
    if (!shrink_to_fit(model->shape, room))
        return core::Error{core::Errc::Unavailable, "not even four layers fit into the card's memory"};
    const std::uint64_t left = room - static_cast<std::uint64_t>(size_of(model->shape).bytes);
    const std::uint64_t page = Forward::page_bytes(plan, limits.kv_type) + 2 * cache_bytes(plan.layers.front(), 1);
    limits.pages = static_cast<std::int32_t>(std::min(static_cast<std::uint64_t>(limits.pages), left / page));
    if (limits.pages < 1) return core::Error{core::Errc::Unavailable, "no page of cache fits beside the weights"};
    model->limits = limits;

    Maker make(*model);
    make_weights(make, *model);
    if (make.full())
        return core::Error{core::Errc::Unavailable, "the card's memory was full before all weights were made"};
    std::set<std::size_t> sizes;
    for (const LayerPlan& layer : plan.layers) sizes.insert(cache_bytes(layer, limits.pages));
    model->device->fill_allocations(std::move(sizes), random_halves());
    const LayerPlan& first = plan.layers.front();
    std::byte* keys = model->kernels->allocate(cache_bytes(first, limits.pages));
    std::byte* values = model->kernels->allocate(cache_bytes(first, limits.pages));
    if (keys == nullptr || values == nullptr)
        return core::Error{core::Errc::Unavailable, "no memory for one more layer of cache"};
    model->cache = {keys, values, limits.kv_type};
    auto forward = Forward::create(plan, model->weights, *model->kernels, limits);
    if (!forward) return forward.error();
    model->device->fill_allocations({}, {});
    model->forward = std::move(*forward);
    if (std::string why = model->kernels->failure(); !why.empty())
        return core::Error{core::Errc::Unavailable, std::move(why)};
    return model;
}

}  // namespace sluice::local_engine::bench
