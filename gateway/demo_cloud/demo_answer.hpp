// What the demo cloud says to a request: pure functions from the request to JSON.
#pragma once

#include "core/chat.hpp"
#include "core/json.hpp"

#include <string>
#include <vector>

namespace sluice::gateway {

inline constexpr std::string_view kDemoModel = "demo-chat";

struct DemoAnswer {
    std::vector<std::string> pieces;  // the text, cut into what it counts as tokens
    core::Json tool_call;             // {"id", "type", "function"} when the request brought tools, else null
    std::string finish_reason;        // "stop", "length", "tool_calls"
    core::Json usage;                 // of all choices together
};

// `body_bytes`: how long the request was on the wire.
DemoAnswer demo_answer(const core::ChatRequest& request, std::size_t body_bytes);

// The chat.completion object, and the chunks of a stream in order, without framing.
core::Json demo_completion(const core::ChatRequest& request, const DemoAnswer& answer, const std::string& id);
std::vector<core::Json> demo_chunks(const core::ChatRequest& request, const DemoAnswer& answer, const std::string& id);

}  // namespace sluice::gateway
