#include "tests/bench/gpu/shapes.hpp"

#include <cmath>
#include <utility>

namespace sluice::local_engine::bench {
namespace {

ModelPlan plan_of(std::int64_t width, std::int64_t layers, std::int64_t vocabulary, LayerPlan layer, Rope::Pairs pairs,
                  double base) {
    ModelPlan plan{.architecture = "made",
                   .width = width,
                   .vocabulary = vocabulary,
                   .context_length = 131'072,
                   .norm_epsilon = 1e-6F};
    layer.attention_scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(layer.head_size)));
    const auto count = static_cast<std::size_t>(layer.head_size / 2);
    plan.ropes.push_back({.pairs = pairs,
                          .step = static_cast<float>(std::pow(base, -2.0 / static_cast<double>(layer.head_size))),
                          .divisors = std::vector<float>(count, 1.0F),
                          .factors = std::vector<float>(count, 1.0F)});
    plan.layers.assign(static_cast<std::size_t>(layers), layer);
    return plan;
}

Shape qwen3_moe() {
    const LayerPlan layer{.heads = 32,
                          .kv_heads = 4,
                          .head_size = 128,
                          .qk_norm = LayerPlan::QkNorm::Weighted,
                          .moe = MoePlan{.experts = 128, .used = 8, .ffn = 768}};
    return {"qwen3-30b-a3b", "Q4_K_M", plan_of(2048, 48, 151'936, layer, Rope::Pairs::Halves, 1e6), {}};
}

Shape qwen3_dense() {
    const LayerPlan layer{
        .heads = 32, .kv_heads = 8, .head_size = 128, .qk_norm = LayerPlan::QkNorm::Weighted, .ffn = 12'288};
    return {"qwen3-8b", "Q4_K_M", plan_of(4096, 36, 151'936, layer, Rope::Pairs::Halves, 1e6), {}};
}

Shape gpt_oss() {
    const LayerPlan layer{.heads = 64,
                          .kv_heads = 8,
                          .head_size = 64,
                          .qkv_bias = LayerPlan::Bias::Required,
                          .output_bias = true,
                          .sinks = true,
                          .activation = Activation::SwigluClamped,
                          .moe = MoePlan{.experts = 32,
                                         .used = 4,
                                         .ffn = 2880,
                                         .normalise = false,
                                         .gating = Router::Gating::SoftmaxOfChosen,
                                         .biases = true}};
    Shape shape{"gpt-oss-20b", "MXFP4", plan_of(2880, 24, 201'088, layer, Rope::Pairs::Halves, 150'000), {}};
    for (std::size_t i = 0; i < shape.plan.layers.size(); i += 2) shape.plan.layers[i].mask = {Mask::Kind::Window, 128};
    const TensorType q8 = TensorType::Q8_0;
    const TensorType mx = TensorType::MXFP4;
    shape.mixture = {.attention = q8,
                     .value = q8,
                     .value_more = q8,
                     .up = mx,
                     .down = mx,
                     .down_more = mx,
                     .embedding = q8,
                     .head = q8};
    return shape;
}

Shape mixtral() {
    const LayerPlan layer{
        .heads = 48, .kv_heads = 8, .head_size = 128, .moe = MoePlan{.experts = 8, .used = 2, .ffn = 16'384}};
    Shape shape{"mixtral-8x22b", "Q4_K_M", plan_of(6144, 56, 32'768, layer, Rope::Pairs::Neighbours, 1e6), {}};
    shape.mixture.value = shape.mixture.value_more = TensorType::Q8_0;  // as files of eight experts have it
    return shape;
}

Shape llama4_scout() {
    const LayerPlan layer{.heads = 40,
                          .kv_heads = 8,
                          .head_size = 128,
                          .qk_norm = LayerPlan::QkNorm::Plain,
                          .mask = {Mask::Kind::Chunk, 8192},
                          .moe = MoePlan{.experts = 16,
                                         .used = 1,
                                         .ffn = 8192,
                                         .shared_ffn = 8192,
                                         .normalise = false,
                                         .gating = Router::Gating::Sigmoid,
                                         .weigh_input = true}};
    Shape shape{"llama4-scout", "Q4_K_M", plan_of(5120, 48, 202'048, layer, Rope::Pairs::Neighbours, 500'000), {}};
    for (std::size_t i = 3; i < shape.plan.layers.size(); i += 4) {
        LayerPlan& full = shape.plan.layers[i];
        full.mask = {};
        full.rope = -1;
        full.qk_norm = LayerPlan::QkNorm::None;
        full.temperature = 0.1F;
        full.temperature_length = 8192;
    }
    return shape;
}

// Adds one matrix of `rows` by `cols`, of which a token reads the share `active`.
void add(Size& size, TensorType type, std::int64_t rows, std::int64_t cols, double active = 1.0) {
    const double count = static_cast<double>(rows) * static_cast<double>(cols);
    size.parameters += count;
    size.active += count * active;
    size.bytes += static_cast<double>(row_bytes(type, cols)) * static_cast<double>(rows);
}

}  // namespace

std::vector<Shape> shapes() {
    return {qwen3_moe(), qwen3_dense(), gpt_oss(), mixtral(), llama4_scout()};
}

Shape tiny_shape() {
    Shape shape = gpt_oss();
    LayerPlan layer = shape.plan.layers.front();
    layer.heads = 4;
    layer.kv_heads = 2;
    layer.head_size = 32;
    layer.moe->experts = 4;
    layer.moe->used = 2;
    layer.moe->ffn = 32;
    Shape tiny{"tiny", "Q8_0 and MXFP4", plan_of(64, 2, 96, layer, Rope::Pairs::Halves, 10'000), shape.mixture};
    tiny.plan.layers[1].mask = {};
    tiny.plan.layers[1].moe.reset();
    tiny.plan.layers[1].ffn = 96;
    tiny.plan.layers[1].activation = Activation::Swiglu;
    return tiny;
}

Size size_of(const Shape& shape) {
    Size size;
    const Mixture& mix = shape.mixture;
    const ModelPlan& plan = shape.plan;
    add(size, mix.embedding, plan.vocabulary, plan.width, 0.0);
    add(size, mix.head, plan.vocabulary, plan.width);
    const auto layers = static_cast<std::int64_t>(plan.layers.size());
    for (std::int64_t i = 0; i < layers; ++i) {
        const LayerPlan& layer = plan.layers[static_cast<std::size_t>(i)];
        const bool more = mix.more_bits(i, layers);
        const TensorType down = more ? mix.down_more : mix.down;
        add(size, mix.attention, layer.query_width(), plan.width);
        add(size, mix.attention, layer.kv_width(), plan.width);
        add(size, more ? mix.value_more : mix.value, layer.kv_width(), plan.width);
        add(size, mix.attention, plan.width, layer.query_width());
        const std::int64_t dense = layer.moe ? layer.moe->shared_ffn : layer.ffn;
        add(size, mix.up, 2 * dense, plan.width);
        if (dense > 0) add(size, down, plan.width, dense);
        if (!layer.moe) continue;
        const MoePlan& moe = *layer.moe;
        const double share = static_cast<double>(moe.used) / static_cast<double>(moe.experts);
        add(size, TensorType::F32, moe.experts, plan.width);
        add(size, mix.up, moe.experts * 2 * moe.ffn, plan.width, share);
        add(size, down, moe.experts * plan.width, moe.ffn, share);
    }
    return size;
}

}  // namespace sluice::local_engine::bench
