// JSON of a request as values of a template.
#pragma once

#include "core/json.hpp"
#include "local_engine/chat_template/jinja/value.hpp"

namespace sluice::local_engine::jinja {

// Strings and member names get `origin`.
Value from_json(const core::Json& json, Origin origin);

}  // namespace sluice::local_engine::jinja
