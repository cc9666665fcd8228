// The JSON that goes upstream, written afresh from the client's: same members in the same order, unknown ones included,
// with Sluice's values where Sluice decides.
#pragma once

#include "core/backend.hpp"
#include "providers/openai_backend.hpp"

#include <string>

namespace sluice::providers {

// model and the completion limit come from `options`; streams ask for usage; stream_options goes with streams only.
std::string request_body(const core::ChatRequest& request, const core::ServeOptions& options, TokenLimitField limit);

}  // namespace sluice::providers
