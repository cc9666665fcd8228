#include "tests/bench/gpu/measure.hpp"

#include "local_engine/kv/pages.hpp"
#include "tests/bench/gpu/synthetic_model.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <stdexcept>

namespace sluice::local_engine::bench {
namespace {

double bytes_of(const Matrix& matrix) {
    return static_cast<double>(matrix.row_bytes) * static_cast<double>(matrix.rows);
}

// Of `experts` matrices, as many as `columns` random choices hit.
double expert_bytes(const MoeFfn& ffn, std::int32_t tokens) {
    const double missed = std::pow(1.0 - static_cast<double>(ffn.used) / ffn.experts, tokens);
    return (bytes_of(ffn.gate) + bytes_of(ffn.up) + bytes_of(ffn.down)) * (1.0 - missed);
}
double dense_bytes(const DenseFfn& ffn) {
    return ffn.down ? bytes_of(ffn.gate) + bytes_of(ffn.up) + bytes_of(ffn.down) : 0.0;
}
double ffn_bytes(const LayerWeights& layer, std::int32_t tokens) {
    if (const auto* dense = std::get_if<DenseFfn>(&layer.ffn)) return dense_bytes(*dense);
    const auto& moe = std::get<MoeFfn>(layer.ffn);
    return expert_bytes(moe, tokens) + dense_bytes(moe.shared) + bytes_of(moe.router.weight);
}
double attention_bytes(const LayerWeights& layer) {
    return bytes_of(layer.query) + bytes_of(layer.key) + bytes_of(layer.value) + bytes_of(layer.output);
}
double cached_bytes(const Attention& attention, std::int32_t batch, std::int32_t context) {
    const std::int64_t seen = context + 1 - attention.mask.first_seen(context);
    return static_cast<double>(batch) * static_cast<double>(seen) * attention.kv_heads * attention.head_size * 2 * 2;
}

// One step of sequences side by side, each of them with `count` tokens from position `start` on.
struct StepBatch {
    std::vector<std::int32_t> tokens, positions, sequences, pages, last;
    std::int32_t each = 0;

    StepBatch(std::int32_t batch, std::int32_t start, std::int32_t count, std::int64_t vocabulary)
        : each(static_cast<std::int32_t>(pages_for(start + count))) {
        std::minstd_rand random(static_cast<unsigned>(batch * 31 + start + 1));
        for (std::int32_t sequence = 0; sequence < batch; ++sequence) {
            for (std::int32_t i = 0; i < count; ++i) {
                tokens.push_back(static_cast<std::int32_t>(random() % static_cast<unsigned>(vocabulary)));
                positions.push_back(start + i);
                sequences.push_back(sequence);
            }
            last.push_back(static_cast<std::int32_t>(tokens.size()) - 1);
        }
        pages.resize(static_cast<std::size_t>(batch) * static_cast<std::size_t>(each));
        std::iota(pages.begin(), pages.end(), 0);
    }
    Batch view() const { return {tokens, positions, sequences, pages, each, last}; }
};

class Bench {
public:
    Bench(SyntheticModel& model, const Options& options) : model_(model), options_(options), kernels_(*model.kernels) {
        const ModelPlan& plan = model.shape.plan;
        const std::int64_t rows = *std::ranges::max_element(options.batches);
        std::int64_t widest = plan.width;
        for (const LayerPlan& layer : plan.layers) widest = std::max(widest, layer.query_width());
        for (float** buffer : {&x_, &out_, &q_, &k_, &v_}) *buffer = floats(rows, widest);
        logits_ = floats(rows, plan.vocabulary);
        ids_ = reinterpret_cast<std::int32_t*>(floats(rows, kMaxExpertsUsed));
        shares_ = floats(rows, kMaxExpertsUsed);
        std::mt19937 random(3);
        std::normal_distribution<float> value;
        std::vector<float> made(static_cast<std::size_t>(rows * widest));
        for (float& number : made) number = value(random);
        for (float* buffer : {x_, q_, k_, v_}) model.device->upload(buffer, made.data(), made.size() * sizeof(float));
    }

    void operations(std::vector<Measured>& out) {
        for (const std::int32_t batch : options_.batches) {
            one_batch(out, batch);
            for (const std::int32_t context : options_.contexts) attention(out, batch, context);
        }
    }
    void decoding(std::vector<Measured>& out) {
        for (const std::int32_t context : options_.contexts)
            for (const std::int32_t batch : options_.batches) out.push_back(decode(batch, context));
    }
    void prompts(std::vector<Measured>& out) {
        for (const std::int32_t tokens : options_.prompts) out.push_back(prompt(tokens));
    }

private:
    float* floats(std::int64_t rows, std::int64_t width) {
        auto* memory =
            reinterpret_cast<float*>(kernels_.allocate(static_cast<std::size_t>(rows * width) * sizeof(float)));
        if (memory == nullptr) throw std::runtime_error("no memory for the bench's own activations");
        return memory;
    }

    double seconds_of(const std::function<void()>& work) {
        kernels_.finish();
        const auto start = std::chrono::steady_clock::now();
        work();
        kernels_.finish();
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
    // The median of several runs after one that is not counted; of `parts` equal parts, one.
    void time(Measured& measured, double parts, const std::function<void()>& work) {
        const std::uint64_t before = model_.device->launches();
        std::vector<double> seconds{seconds_of(work)};
        measured.kernels = static_cast<std::uint64_t>(static_cast<double>(model_.device->launches() - before) / parts);
        if (seconds.front() * (options_.repeats + 1) < options_.most_seconds) {
            seconds.clear();
            for (int i = 0; i < options_.repeats; ++i) seconds.push_back(seconds_of(work));
        }
        std::ranges::sort(seconds);
        const double median = seconds[seconds.size() / 2];
        measured.microseconds = median / parts * 1e6;
        measured.spread = (seconds.back() - seconds.front()) / median;
    }

    const std::vector<LayerWeights>& layers() const { return model_.weights.layers; }
    // An operation of each layer that has it, one after the other; bytes of one.
    template <class Has, class Bytes, class Work>
    void each_layer(std::vector<Measured>& out, const char* what, std::int32_t batch, const Has& has,
                    const Bytes& bytes, const Work& work) {
        Measured measured{.what = what, .batch = batch};
        double parts = 0;
        for (const LayerWeights& layer : layers()) {
            if (!has(layer)) continue;
            ++parts;
            measured.gigabytes += bytes(layer) / 1e9;
        }
        if (parts == 0) return;
        measured.gigabytes /= parts;
        time(measured, parts, [&] {
            for (const LayerWeights& layer : layers())
                if (has(layer)) work(layer);
        });
        out.push_back(std::move(measured));
    }

    void one_batch(std::vector<Measured>& out, std::int32_t batch) {
        const ModelPlan& plan = model_.shape.plan;
        const StepBatch step(batch, 0, 1, plan.vocabulary);
        if (std::ssize(step.pages) > model_.limits.pages) return;
        kernels_.begin(step.view());
        const auto all = [](const LayerWeights&) { return true; };
        const auto moe = [](const LayerWeights& layer) { return std::holds_alternative<MoeFfn>(layer.ffn); };
        const auto dense = [&](const LayerWeights& layer) { return !moe(layer); };
        const auto nothing = [](const LayerWeights&) { return 0.0; };
        each_layer(out, "norm", batch, all, nothing, [&](const LayerWeights& layer) {
            kernels_.rms_norm(out_, x_, layer.attention_norm, plan.width, plan.norm_epsilon);
        });
        each_layer(
            out, "query, key, value", batch, all,
            [](const LayerWeights& l) { return bytes_of(l.query) + bytes_of(l.key) + bytes_of(l.value); },
            [&](const LayerWeights& l) {
                kernels_.matmul(std::array{Projection{l.query, q_}, Projection{l.key, k_}, Projection{l.value, v_}},
                                x_);
            });
        each_layer(out, "rotate, store", batch, all, nothing,
                   [&](const LayerWeights& l) { kernels_.rotate_and_store(q_, k_, v_, l.attention, model_.cache); });
        each_layer(
            out, "attention's output", batch, all, [](const LayerWeights& l) { return bytes_of(l.output); },
            [&](const LayerWeights& l) {
                kernels_.matmul(std::array{Projection{l.output, out_}}, q_);
            });
        each_layer(
            out, "router", batch, moe,
            [](const LayerWeights& l) { return bytes_of(std::get<MoeFfn>(l.ffn).router.weight); },
            [&](const LayerWeights& l) { kernels_.route(ids_, shares_, std::get<MoeFfn>(l.ffn), x_); });
        each_layer(
            out, "experts", batch, moe, [&](const LayerWeights& l) { return ffn_bytes(l, batch); },
            [&](const LayerWeights& l) { kernels_.moe_ffn(out_, std::get<MoeFfn>(l.ffn), x_); });
        each_layer(
            out, "feed-forward", batch, dense, [&](const LayerWeights& l) { return ffn_bytes(l, batch); },
            [&](const LayerWeights& l) { kernels_.dense_ffn(out_, std::get<DenseFfn>(l.ffn), x_, Store::Overwrite); });
        Measured head{.what = "head", .batch = batch, .gigabytes = bytes_of(model_.weights.head) / 1e9};
        time(head, 1,
             [&] { kernels_.logits(logits_, model_.weights.head, x_, model_.weights.output_norm, plan.norm_epsilon); });
        out.push_back(std::move(head));
        Measured copy{.what = "logits to the host", .batch = batch};
        std::vector<float> host(static_cast<std::size_t>(batch) * static_cast<std::size_t>(plan.vocabulary));
        time(copy, 1, [&] { kernels_.read(host, logits_); });
        out.push_back(std::move(copy));
    }

    void attention(std::vector<Measured>& out, std::int32_t batch, std::int32_t context) {
        const StepBatch step(batch, context, 1, model_.shape.plan.vocabulary);
        if (std::ssize(step.pages) > model_.limits.pages) return;  // said with the step
        kernels_.begin(step.view());
        const auto full = [&](const LayerWeights& layer) { return layer.attention.mask.kind != Mask::Kind::Window; };
        const auto window = [&](const LayerWeights& layer) { return !full(layer); };
        const auto bytes = [&](const LayerWeights& layer) { return cached_bytes(layer.attention, batch, context); };
        const auto work = [&](const LayerWeights& layer) { kernels_.attend(out_, q_, layer.attention, model_.cache); };
        for (const bool windows : {false, true}) {
            const std::size_t before = out.size();
            if (windows) each_layer(out, "attention, window", batch, window, bytes, work);
            else each_layer(out, "attention", batch, full, bytes, work);
            if (out.size() > before) out.back().context = context;
        }
    }

    Measured decode(std::int32_t batch, std::int32_t context) {
        Measured measured{.what = "decode", .batch = batch, .context = context, .tokens = batch};
        const StepBatch step(batch, context, 1, model_.shape.plan.vocabulary);
        if (!has_room(measured, step)) return measured;
        double bytes = bytes_of(model_.weights.head);
        for (const LayerWeights& layer : layers())
            bytes += attention_bytes(layer) + ffn_bytes(layer, batch) + cached_bytes(layer.attention, batch, context);
        measured.gigabytes = bytes / 1e9;
        host_.resize(static_cast<std::size_t>(batch) * static_cast<std::size_t>(model_.shape.plan.vocabulary));
        time(measured, 1, [&] { model_.forward->run(step.view(), host_); });
        return measured;
    }

    // In steps of step_tokens, as the engine computes them; logits after the last only would be the engine's saving,
    // not the card's, so each step has one row of them.
    Measured prompt(std::int32_t tokens) {
        Measured measured{.what = "prefill", .context = tokens};
        if (!has_room(measured, StepBatch(1, tokens - 1, 1, model_.shape.plan.vocabulary))) return measured;
        host_.resize(static_cast<std::size_t>(model_.shape.plan.vocabulary));
        const std::uint64_t before = model_.device->launches();
        double seconds = 0.0;
        while (measured.tokens < tokens && seconds < options_.most_seconds) {
            const std::int32_t count = std::min(options_.step_tokens, tokens - measured.tokens);
            const StepBatch step(1, measured.tokens, count, model_.shape.plan.vocabulary);
            seconds += seconds_of([&] { model_.forward->run(step.view(), host_); });
            measured.tokens += count;
        }
        measured.kernels = model_.device->launches() - before;
        measured.microseconds = seconds * 1e6;
        measured.flops = 2.0 *
                         (size_of(model_.shape).active -
                          static_cast<double>(model_.shape.plan.vocabulary * model_.shape.plan.width)) *
                         measured.tokens;
        if (measured.tokens < tokens)
            measured.left_out = "cut after " + std::to_string(measured.tokens) + " tokens, for time";
        return measured;
    }

    bool has_room(Measured& measured, const StepBatch& step) const {
        if (std::ssize(step.pages) <= model_.limits.pages) return true;
        const double page = static_cast<double>(Forward::page_bytes(model_.shape.plan, model_.limits.kv_type)) / 1e9;
        std::array<char, 128> text{};
        std::snprintf(text.data(), text.size(), "needs %.1f GB of cache, there are %.1f",
                      page * static_cast<double>(step.pages.size()), page * model_.limits.pages);
        measured.left_out = text.data();
        return false;
    }

    SyntheticModel& model_;
    const Options& options_;
    cuda::DeviceKernels& kernels_;
    float *x_ = nullptr, *out_ = nullptr, *q_ = nullptr, *k_ = nullptr, *v_ = nullptr, *logits_ = nullptr,
          *shares_ = nullptr;
    std::int32_t* ids_ = nullptr;
    std::vector<float> host_;
};

// Of the largest step that is asked for.
ForwardLimits limits_of(const Options& options) {
    const std::int32_t batch = *std::ranges::max_element(options.batches);
    std::int64_t pages = 0;
    for (const std::int32_t context : options.contexts)
        pages = std::max<std::int64_t>(pages, std::int64_t{batch} * pages_for(context + 1));
    for (const std::int32_t prompt : options.prompts) pages = std::max<std::int64_t>(pages, pages_for(prompt));
    return {std::max(options.step_tokens, batch), batch, static_cast<std::int32_t>(pages), KvType::F16};
}

}  // namespace

core::Result<ModelReport> measure(std::unique_ptr<cuda::Device> device, const Shape& shape, const Options& options) {
    auto model = make_synthetic(std::move(device), shape, limits_of(options));
    if (!model) return model.error();
    const Size size = size_of((*model)->shape);
    ModelReport report{.model = shape.name,
                       .quant = shape.quant,
                       .device = (*model)->device->name(),
                       .layers = std::ssize((*model)->shape.plan.layers),
                       .whole_layers = (*model)->whole_layers,
                       .parameters = size.parameters,
                       .weight_bytes = size.bytes,
                       .cache_tokens = std::int64_t{(*model)->limits.pages} * kPageTokens};
    try {
        Bench bench(**model, options);
        bench.operations(report.operations);
        bench.decoding(report.steps);
        bench.prompts(report.steps);
    } catch (const std::exception& failure) {  // read() and finish() throw what the device says
        return core::Error{core::Errc::Unavailable, failure.what(), shape.name};
    }
    return report;
}

}  // namespace sluice::local_engine::bench
