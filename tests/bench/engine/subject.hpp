// What is measured: a model of a file, or one of a known shape made of random bits.
#pragma once

#include "core/result.hpp"
#include "local_engine/gguf/reader.hpp"
#include "local_engine/model/model.hpp"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace sluice::local_engine::bench {

struct Subject {
    std::string name;
    std::unique_ptr<gguf::Reader> file;       // of a file
    std::deque<std::vector<std::byte>> made;  // of a made-up model
    ModelPlan plan;
    std::unique_ptr<Kernels> kernels;
    Weights weights;
    std::unique_ptr<Forward> forward;

    double shared_bytes = 0.0;  // weights that every step reads, the embedding excluded
    double expert_bytes = 0.0;  // weights of all experts

    // Bytes of weights that one step of `tokens` tokens reads when routing is random.
    double bytes_per_step(int tokens) const;
};

// `what`: dense06b-q8, dense06b-q4, moe-q4, or a path.
core::Result<std::unique_ptr<Subject>> open_subject(const std::string& what, int threads, const ForwardLimits& limits);

}  // namespace sluice::local_engine::bench
