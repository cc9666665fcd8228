// Errors as clients see them: an HTTP status and the OpenAI shape {"error": {message, type, param, code}}. Messages
// come from Error::detail, which never holds prompt text, or from a fixed table. Pure functions, any thread.
#pragma once

#include "core/result.hpp"

#include <string>
#include <string_view>

namespace sluice::gateway {

// The one table from Errc to HTTP: status, OpenAI `type`, `code`.
struct ErrorKind {
    int status;
    std::string_view type;  // "invalid_request_error", "authentication_error", "insufficient_quota", ...
    std::string_view code;  // "model_not_found", "budget_exceeded", ...
};
ErrorKind error_kind(const core::Error& error);

// The JSON object {"error": ...}: body of a refused request, and the data of an in-band error event.
std::string error_json(const core::Error& error);
// "data: {...}\n\n": ends a stream that had begun. No [DONE] follows.
std::string error_event(const core::Error& error);

// Refusals of the HTTP layer itself (405, 414, 431, ...), which no Errc describes. Every string is a literal.
struct Refusal {
    int status = 400;
    std::string_view code;  // "invalid_host", "uri_too_long", ...
    std::string_view message;
    std::string_view field = {};  // header at fault
    bool framing_broken = true;   // what follows cannot be trusted to be a request: the connection ends
};
std::string error_json(const Refusal& refusal);

std::string_view reason_phrase(int status);

}  // namespace sluice::gateway
