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
};

// InvalidRequest names the field: a number out of range, or something this engine cannot do and must not ignore
// (log-probabilities, a response format).
core::Result<ChatOptions> read_chat_options(const core::ChatRequest& request, std::int64_t vocabulary);

}  // namespace sluice::local_engine
