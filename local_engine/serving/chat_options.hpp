// What a chat request asks of the sampler, read from its body and checked.
#pragma once

#include "core/chat.hpp"
#include "local_engine/sampling/sampler.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::local_engine {

struct ChatOptions {
    SamplingOptions sampling;           // seed: see below
    std::optional<std::uint64_t> seed;  // absent: the answer need not be repeatable
    std::vector<std::string> stops;
    std::optional<int> top_logprobs;  // absent: none are wanted; 0: only of the chosen tokens
    int priority = 0;                 // as vLLM has it: lower goes first; service_tier flex is 1, priority is -1
    bool ignore_eos = false;          // for benches: the answer is as long as max_tokens
};

// InvalidRequest names the field: a number out of range (serving/limits.hpp). The shape of the answer is
// serving/structured_output.hpp's, function calls are serving/answer_plan.hpp's.
core::Result<ChatOptions> read_chat_options(const core::ChatRequest& request, std::int64_t vocabulary);

}  // namespace sluice::local_engine
