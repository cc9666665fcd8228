// One call of OpenAiProtocol::serve() while it runs.
#pragma once

#include "core/backend.hpp"
#include "providers/answer_scanner.hpp"

#include <string_view>

namespace sluice::providers {

struct Call {
    const core::ChatRequest& request;
    const core::ServeOptions& options;
    core::ReplySink& reply;
    core::ServeOutcome outcome = {};
    bool passed_on = false;    // something of the answer was given to the client
    bool false_usage = false;  // what the upstream reported cannot be true

    // Takes from a part of the answer what settling needs. Where several parts report usage (running totals), the most
    // of each counts; where one reports false usage, none does.
    void note(const AnswerFacts& facts);
};

// "application/json; charset=utf-8" is "application/json".
bool has_media_type(std::string_view content_type, std::string_view wanted);

}  // namespace sluice::providers
