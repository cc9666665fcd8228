#include "local_engine/chat_template/conversation.hpp"

#include "local_engine/chat_template/jinja/from_json.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Json;
using core::Result;
using jinja::Dict;
using jinja::List;
using jinja::Origin;
using jinja::Text;
using jinja::Value;

// Variables of the rendering that callers must not replace: conversations are judged by what "messages" says.
constexpr std::array<std::string_view, 14> kReserved{
    "messages", "tools",     "bos_token", "eos_token", "add_generation_prompt", "raise_exception", "strftime_now",
    "range",    "namespace", "dict",      "loop",      "chat_template",         "custom_tools",    "spm_prefix"};

Error cannot(std::string field, std::string detail) {
    return Error{Errc::InvalidRequest, std::move(detail), std::move(field)};
}

Text name_of(std::string_view name) {
    return Text(std::string(name));
}

const Json* member(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string text_member(const Json& object, const char* name) {
    const Json* found = member(object, name);
    return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

// The text of a message; parts are joined. Nothing when there is none.
Result<std::optional<std::string>> text_of(const Json& message, const std::string& path) {
    const Json* content = member(message, "content");
    if (content == nullptr) return std::optional<std::string>();
    if (content->is_string()) return std::optional(content->get<std::string>());
    if (!content->is_array()) return cannot(path + ".content", "must be a string or an array of content parts");
    std::string text;
    for (std::size_t i = 0; i < content->size(); ++i) {
        const Json& part = (*content)[i];
        const std::string part_path = path + ".content[" + std::to_string(i) + "]";
        if (!part.is_object()) return cannot(part_path, "must be an object");
        const std::string type = text_member(part, "type");
        if (type == "thinking") continue;  // of an earlier answer
        const Json* piece = type == "refusal" ? member(part, "refusal") : member(part, "text");
        if ((type != "text" && type != "refusal") || piece == nullptr || !piece->is_string()) {
            return cannot(part_path + ".type", "the local model reads text only");
        }
        text += piece->get_ref<const std::string&>();
    }
    return std::optional(std::move(text));
}

// {"id", "type", "function": {"name", "arguments": object}}, with whatever else the client sent.
Value call_value(const Json& call) {
    Dict out;
    for (const auto& [name, value] : call.items()) {
        if (name == "type") {
            out.set(name_of(name),
                    value == "function" ? Value::word("function") : jinja::from_json(value, Origin::Client));
        } else if (name == "function" && value.is_object()) {
            Dict function;
            for (const auto& [key, part] : value.items()) {
                Json arguments;
                if (key == "arguments" && part.is_string()) {
                    auto parsed = core::parse_json(part.get_ref<const std::string&>());
                    if (parsed) arguments = std::move(*parsed);
                }
                const bool use = arguments.is_object();
                function.set(Text(key, Origin::Client), jinja::from_json(use ? arguments : part, Origin::Client));
            }
            out.set(name_of(name), Value::dict(std::move(function)));
        } else {
            out.set(Text(name, Origin::Client), jinja::from_json(value, Origin::Client));
        }
    }
    if (out.find("type") == nullptr) out.set(name_of("type"), Value::word("function"));
    return Value::dict(std::move(out));
}

Value part_value(std::string_view type, std::string text) {
    Dict part;
    part.set(name_of("type"), Value::word(type));
    part.set(name_of(type), Value(Text(std::move(text), Origin::Client)));
    return Value::dict(std::move(part));
}

void add_thought(Dict& message, const std::string& thought, const std::string& text, const Dialect& dialect) {
    message.set(name_of("reasoning_content"), Value(Text(thought, Origin::Client)));
    if (dialect.thinking_member) message.set(name_of("thinking"), Value(Text(thought, Origin::Client)));
    if (!dialect.thinking_parts) return;
    List parts{part_value("thinking", thought)};
    if (!text.empty()) parts.push_back(part_value("text", text));
    message.set(name_of("content"), Value::list(std::move(parts)));
}

Result<Value> message_value(const Json& message, const std::string& path, const Dialect& dialect) {
    std::string role = text_member(message, "role");
    if (role == "developer" && !dialect.developer_role) role = "system";
    auto text = text_of(message, path);
    if (!text) return text.error();
    Dict out;
    out.set(name_of("role"), Value::word(role));  // checked: one of a closed list
    out.set(name_of("content"), *text ? Value(Text(**text, Origin::Client)) : Value::none());
    for (const auto& [name, value] : message.items()) {
        if (name == "role" || name == "content" || name == "reasoning_content" || name == "reasoning") continue;
        if (name == "tool_calls" && value.is_array()) {
            List calls;
            for (const Json& call : value) {
                if (!call.is_object()) return cannot(path + ".tool_calls", "must be objects");
                calls.push_back(call_value(call));
            }
            out.set(name_of(name), Value::list(std::move(calls)));
        } else {
            out.set(Text(name, Origin::Client), jinja::from_json(value, Origin::Client));
        }
    }
    std::string thought = text_member(message, "reasoning_content");
    if (thought.empty()) thought = text_member(message, "reasoning");
    if (!thought.empty()) add_thought(out, thought, text->value_or(""), dialect);
    return Value::dict(std::move(out));
}

// For templates that know no tools: what a model can be told in words.
std::string tools_in_words(const Json& tools) {
    std::string text =
        "You may call functions. To call one, answer with nothing but a JSON object "
        "{\"name\": <function name>, \"arguments\": <object>}, or an array of such objects. The functions:\n";
    for (const Json& tool : tools) {
        const Json* function = tool.is_object() ? member(tool, "function") : nullptr;
        text += core::dump_json(function != nullptr ? *function : tool) + "\n";
    }
    return text;
}

Json with_system_text(const Json& messages, const std::string& text) {
    Json out = messages;
    const std::string role = text_member(out[0], "role");
    if ((role == "system" || role == "developer") && out[0].contains("content") && out[0]["content"].is_string()) {
        out[0]["content"] = out[0]["content"].get<std::string>() + "\n\n" + text;
    } else {
        out.insert(out.begin(), Json{{"role", "system"}, {"content", text}});
    }
    return out;
}

Result<void> add_callers_own(const Json& body, jinja::Variables& variables) {
    const Json* own = member(body, "chat_template_kwargs");
    if (own == nullptr) return {};
    if (!own->is_object()) return cannot("chat_template_kwargs", "must be an object");
    for (const auto& [name, value] : own->items()) {
        if (std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end()) {
            return cannot("chat_template_kwargs." + name, "is not the caller's to set");
        }
        std::erase_if(variables, [&own_name = name](const auto& variable) { return variable.first == own_name; });
        variables.emplace_back(name, jinja::from_json(value, Origin::Client));
    }
    return {};
}

// Qwen's switches in the user's own words; the last one counts.
std::optional<bool> spoken_switch(const Json& messages) {
    for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
        if (text_member(*message, "role") != "user") continue;
        const std::string text = text_member(*message, "content");
        const std::size_t on = text.rfind("/think");
        const std::size_t off = text.rfind("/no_think");
        if (on == std::string::npos && off == std::string::npos) return std::nullopt;
        return off == std::string::npos || (on != std::string::npos && on > off);
    }
    return std::nullopt;
}

}  // namespace

Dialect Dialect::of(std::string_view source) {
    const auto has = [&](std::string_view part) { return source.find(part) != std::string_view::npos; };
    return {.thinking_parts = has("== 'thinking'"),
            .thinking_member = has("message.thinking"),
            .developer_role = has("developer"),
            .tools = has("tools")};
}

bool offers_tools(const Json& body) {
    const Json* tools = member(body, "tools");
    return tools != nullptr && tools->is_array() && !tools->empty() && body.value("tool_choice", Json()) != "none";
}

bool wants_thought(const Json& body) {
    const Json* own = member(body, "chat_template_kwargs");
    const Json* flag = own != nullptr && own->is_object() ? member(*own, "enable_thinking") : nullptr;
    if (flag != nullptr && flag->is_boolean()) return flag->get<bool>();
    if (text_member(body, "reasoning_effort") == "none") return false;
    const Json* messages = member(body, "messages");
    return messages == nullptr || !messages->is_array() || spoken_switch(*messages).value_or(true);
}

Json with_tools_in_words(const Json& body) {
    Json out = body;
    out["messages"] = with_system_text(body.at("messages"), tools_in_words(body.at("tools")));
    return out;
}

Result<jinja::Variables> variables_of(const Json& body, const Dialect& dialect) {
    const bool tools = offers_tools(body);
    const Json& list = body.at("messages");
    List messages;
    for (std::size_t i = 0; i < list.size(); ++i) {
        auto message = message_value(list[i], "messages[" + std::to_string(i) + "]", dialect);
        if (!message) return message.error();
        messages.push_back(std::move(*message));
    }
    jinja::Variables variables;
    variables.emplace_back("messages", Value::list(std::move(messages)));
    if (tools) variables.emplace_back("tools", jinja::from_json(body.at("tools"), Origin::Client));
    const Json* opens = member(body, "add_generation_prompt");
    variables.emplace_back("add_generation_prompt",
                           Value(opens == nullptr || !opens->is_boolean() || opens->get<bool>()));
    variables.emplace_back("enable_thinking", Value(wants_thought(body)));
    if (const std::string effort = text_member(body, "reasoning_effort"); !effort.empty() && effort != "none") {
        constexpr std::array<std::string_view, 5> kEfforts{"minimal", "low", "medium", "high", "xhigh"};
        if (std::find(kEfforts.begin(), kEfforts.end(), effort) == kEfforts.end()) {
            return cannot("reasoning_effort", "must be none, minimal, low, medium, high or xhigh");
        }
        const std::string told_effort = effort == "minimal" ? "low" : (effort == "xhigh" ? "high" : effort);
        variables.emplace_back("reasoning_effort", Value::word(told_effort));
    }
    if (auto added = add_callers_own(body, variables); !added) return added.error();
    return variables;
}

}  // namespace sluice::local_engine
