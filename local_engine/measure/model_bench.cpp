#include "local_engine/measure/model_bench.hpp"

#include "local_engine/kv/pages.hpp"
#include "local_engine/measure/open_model.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <numeric>
#include <thread>
#include <utility>

namespace sluice::local_engine {
namespace {

double seconds_of(const auto& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

core::Result<std::unique_ptr<ModelBench>> ModelBench::open(const std::filesystem::path& path, const DiagnosticOptions& options,
                                                           const BenchLimits& limits) {
    const auto pages = static_cast<std::int32_t>(pages_for(limits.context) * limits.sequences);
    auto model = open_model(path, options, {std::max(limits.step_tokens, limits.sequences), limits.sequences, pages, options.kv_type});
    if (!model) return model.error();
    return std::unique_ptr<ModelBench>(new ModelBench(std::move(*model), limits, options.kv_type));
}

// Ids that differ, so that experts are chosen as if at random.
double ModelBench::step(std::int32_t sequences, std::int64_t start, std::int64_t count) {
    const auto each = static_cast<std::int32_t>(pages_for(limits_.context));
    std::vector<std::int32_t> tokens, positions, rows, last;
    for (std::int32_t sequence = 0; sequence < sequences; ++sequence) {
        for (std::int64_t i = 0; i < count; ++i) {
            tokens.push_back(static_cast<std::int32_t>((sequence * 7919 + (start + i) * 104729 + 11) % model_->plan.vocabulary));
            positions.push_back(static_cast<std::int32_t>(start + i));
            rows.push_back(sequence);
        }
        last.push_back(static_cast<std::int32_t>(tokens.size()) - 1);
    }
    std::vector<std::int32_t> pages(static_cast<std::size_t>(sequences * each));
    std::iota(pages.begin(), pages.end(), 0);
    std::vector<float> logits(last.size() * static_cast<std::size_t>(model_->plan.vocabulary));
    return seconds_of([&] { model_->forward->run({tokens, positions, rows, pages, each, last}, logits); });
}

double ModelBench::prompt_seconds(std::int64_t tokens) {
    double seconds = 0.0;
    for (std::int64_t start = 0; start < tokens; start += limits_.step_tokens) {
        seconds += step(1, start, std::min<std::int64_t>(limits_.step_tokens, tokens - start));
    }
    return seconds;
}

double ModelBench::decode_seconds(std::int32_t sequences, std::int64_t context, std::int32_t steps) {
    double seconds = 0.0;
    for (std::int32_t i = 0; i < steps; ++i) {
        seconds += step(sequences, std::min(context + i, limits_.context - 1), 1);
    }
    return seconds;
}

double ModelBench::decode_bytes(std::int32_t sequences, std::int64_t context) const {
    double shared = 0.0;
    double experts = 0.0;
    double embedding = 0.0;
    bool own_head = false;
    for (const gguf::Tensor& tensor : model_->file->tensors()) {
        const auto bytes = static_cast<double>(tensor.bytes);
        own_head = own_head || tensor.name == "output.weight";
        if (tensor.name == "token_embd.weight") embedding = bytes;
        else if (tensor.name.find("_exps") != std::string::npos) experts += bytes;
        else shared += bytes;
    }
    if (!own_head) shared += embedding;  // it is the head as well
    // Layers with experts have as many of them each (models may begin with dense layers).
    const auto with_experts = std::ranges::find_if(model_->plan.layers, [](const LayerPlan& layer) { return layer.moe.has_value(); });
    if (with_experts != model_->plan.layers.end()) {
        const double part = static_cast<double>(with_experts->moe->used) / static_cast<double>(with_experts->moe->experts);
        shared += experts * (1.0 - std::pow(1.0 - part, sequences));
    }
    const double per_token = static_cast<double>(Forward::page_bytes(model_->plan, kv_type_)) / kPageTokens;
    return shared + per_token * static_cast<double>(context) * sequences;
}

double read_bandwidth(int threads) {
    if (threads <= 0) threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    const std::size_t words = (std::size_t{256} << 20U) / sizeof(std::uint64_t);  // far larger than any cache
    const std::vector<std::uint64_t> memory(words, 1);
    std::atomic<std::uint64_t> sink{0};
    double best = 1e9;
    const auto read = [&](int thread) {
        const std::size_t share = words / static_cast<std::size_t>(threads);
        const std::uint64_t* at = memory.data() + share * static_cast<std::size_t>(thread);
        std::uint64_t sums[8] = {};
        for (std::size_t i = 0; i + 8 <= share; i += 8) {
            for (std::size_t k = 0; k < 8; ++k) sums[k] += at[i + k];
        }
        sink += std::accumulate(std::begin(sums), std::end(sums), std::uint64_t{0});
    };
    for (int pass = 0; pass < 5; ++pass) {
        best = std::min(best, seconds_of([&] {
                            std::vector<std::thread> readers;
                            for (int thread = 0; thread < threads; ++thread) readers.emplace_back(read, thread);
                            for (std::thread& reader : readers) reader.join();
                        }));
    }
    return static_cast<double>(words * sizeof(std::uint64_t)) / best;
}

}  // namespace sluice::local_engine
