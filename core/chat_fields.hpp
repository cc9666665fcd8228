// Shapes of the chat fields that Sluice passes on without acting on them. A field of a known name and a wrong shape would
// travel to a provider, cost a round trip and come back as somebody else's error, or be ignored by an engine that reads
// it leniently; so it is refused here, by name. Fields of unknown names are not looked at.
#pragma once

#include "core/json.hpp"
#include "core/request_fields.hpp"
#include "core/result.hpp"

namespace sluice::core {

// Errors name the field as the client wrote it ("tools[0].function.name") and never
// repeat what it holds.
Result<void> check_passed_fields(const RequestFields& given);

// One element of an assistant message's tool_calls; `path` is its name.
Result<void> check_tool_call(const Json& call, const std::string& path);

}  // namespace sluice::core
