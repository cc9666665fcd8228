// How fast a model of a file is on this machine, beside the memory bandwidth measured in the same process: a decoded token
// reads every active weight and its sequence's keys and values once, so bandwidth over bytes is the speed that cannot be
// passed. One thread calls. Blocking.
#pragma once

#include "core/result.hpp"
#include "local_engine/diagnostics.hpp"
#include "local_engine/model/model.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace sluice::local_engine {

struct BenchLimits {
    std::int32_t sequences = 1;   // decoded together at most
    std::int64_t context = 2048;  // tokens of one sequence at most
    std::int32_t step_tokens = 128;
};

class ModelBench {
public:
    static core::Result<std::unique_ptr<ModelBench>> open(const std::filesystem::path& model, const DiagnosticOptions& options,
                                                          const BenchLimits& limits);

    std::string kernels() const { return model_->kernels->name(); }
    // Seconds of computing a prompt in steps; tokens at most the context.
    double prompt_seconds(std::int64_t tokens);
    // Seconds of `steps` steps in which `sequences` sequences with `context` tokens behind them get one token each.
    double decode_seconds(std::int32_t sequences, std::int64_t context, std::int32_t steps);
    // Bytes one such step reads: weights (of experts, as many as random routing hits), keys and values.
    double decode_bytes(std::int32_t sequences, std::int64_t context) const;

private:
    ModelBench(std::unique_ptr<Model> model, const BenchLimits& limits, KvType type)
        : model_(std::move(model)), limits_(limits), kv_type_(type) {}
    double step(std::int32_t sequences, std::int64_t start, std::int64_t count);

    std::unique_ptr<Model> model_;
    BenchLimits limits_;
    KvType kv_type_;
};

// Bytes per second of plain reading with that many threads (0: one per core).
double read_bandwidth(int threads);

}  // namespace sluice::local_engine
