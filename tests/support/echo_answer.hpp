// A scripted cloud that says back what it was sent: the text of the last message, and the arguments of the last tool
// call in the request as a tool call of its own. Plain, or as a stream in pieces of a few bytes.
#pragma once

#include "tests/support/scripted_upstream.hpp"

namespace sluice::testing {

// `piece`: bytes of text per event of a stream; characters are not cut. Requests with a "[[fault:NAME]]" get the fault.
ScriptedAnswer echo_answer(const UpstreamRequest& request, std::size_t piece = 5);

}  // namespace sluice::testing
