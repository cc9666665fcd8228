// A chat message as the formats see it: a role and a text. Used by chat_template.cpp only.
#pragma once

#include "core/json.hpp"
#include "core/result.hpp"

#include <string>
#include <vector>

namespace sluice::local_engine {

enum class Role { System, User, Assistant };

struct Message {
    Role role = Role::User;
    std::string text;
};

// The messages of a request body that core::ChatRequest has checked. Array contents are joined. InvalidRequest names
// what only tool-aware or multimodal formats can express.
core::Result<std::vector<Message>> messages_of(const core::Json& body);

// Members of the body's chat_template_kwargs, when present and of that type.
bool template_flag(const core::Json& body, const char* name, bool absent);
std::string template_text(const core::Json& body, const char* name);

}  // namespace sluice::local_engine
