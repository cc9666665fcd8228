// A request body as the variables that published templates expect: messages with one text each, tool arguments as
// objects, switches for reasoning. Everything a client wrote is marked as the client's (jinja::Origin::Client); only
// words out of closed lists, such as roles, count as the template's own. Used by chat_template.cpp only.
#pragma once

#include "core/json.hpp"
#include "core/result.hpp"
#include "local_engine/chat_template/jinja/template.hpp"

#include <string_view>

namespace sluice::local_engine {

// What a template wants to be told in its own way, found in its source.
struct Dialect {
    bool thinking_parts = false;   // earlier thoughts are parts of the content: {"type": "thinking"}
    bool thinking_member = false;  // earlier thoughts are message.thinking
    bool developer_role = false;   // knows developers; elsewhere they speak as the system
    bool tools = false;            // reads the variable `tools`
    static Dialect of(std::string_view source);
};

// InvalidRequest names the field that a text model cannot use (images) or that is not the caller's to set.
core::Result<jinja::Variables> variables_of(const core::Json& body, const Dialect& dialect);

// Whether the request offers tools that the model may call: tools are given and tool_choice is not "none".
bool offers_tools(const core::Json& body);

// The body with its tools described in the system message: for templates that know none. Pre: offers_tools(body).
core::Json with_tools_in_words(const core::Json& body);

// Whether the model may reason before it answers, as far as the request decides it: chat_template_kwargs.
// enable_thinking, else reasoning_effort "none", else a last word "/think" or "/no_think" of the user; else true.
bool wants_thought(const core::Json& body);

}  // namespace sluice::local_engine
