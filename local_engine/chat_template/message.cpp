#include "local_engine/chat_template/message.hpp"

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Json;
using core::Result;

Error cannot(std::string field, std::string detail) {
    return Error{Errc::InvalidRequest, std::move(detail), std::move(field)};
}

Result<Role> role_of(const Json& message, const std::string& path) {
    const auto role = message.value("role", std::string());
    if (role == "system" || role == "developer") return Role::System;
    if (role == "user") return Role::User;
    if (role == "assistant") return Role::Assistant;
    return cannot(path + ".role", "the local model's chat format has no turns of tools");
}

Result<std::string> text_of(const Json& message, const std::string& path) {
    const auto content = message.find("content");
    if (content == message.end() || content->is_null()) return std::string();
    if (content->is_string()) return content->get<std::string>();
    if (!content->is_array()) return cannot(path + ".content", "must be a string or an array of content parts");
    std::string text;
    for (std::size_t i = 0; i < content->size(); ++i) {
        const Json& part = (*content)[i];
        const std::string part_path = path + ".content[" + std::to_string(i) + "]";
        if (!part.is_object()) return cannot(part_path, "must be an object");
        const auto type = part.value("type", Json());
        const auto piece = part.find("text");
        if (type != "text" || piece == part.end() || !piece->is_string()) {
            return cannot(part_path + ".type", "the local model reads text only");
        }
        text += piece->get_ref<const std::string&>();
    }
    return text;
}

const Json* template_argument(const Json& body, const char* name) {
    const auto arguments = body.find("chat_template_kwargs");
    if (arguments == body.end() || !arguments->is_object()) return nullptr;
    const auto argument = arguments->find(name);
    return argument == arguments->end() ? nullptr : &*argument;
}

}  // namespace

Result<std::vector<Message>> messages_of(const Json& body) {
    const auto tools = body.find("tools");
    const bool offers_tools = tools != body.end() && tools->is_array() && !tools->empty();
    if (offers_tools && body.value("tool_choice", Json()) != "none") {
        return cannot("tools", "the local model's chat format has no tools");
    }
    std::vector<Message> messages;
    const Json& list = body.at("messages");
    for (std::size_t i = 0; i < list.size(); ++i) {
        const std::string path = "messages[" + std::to_string(i) + "]";
        const auto role = role_of(list[i], path);
        if (!role) return role.error();
        const auto calls = list[i].find("tool_calls");
        if (calls != list[i].end() && calls->is_array() && !calls->empty()) {
            return cannot(path + ".tool_calls", "the local model's chat format has no tool calls");
        }
        auto text = text_of(list[i], path);
        if (!text) return text.error();
        messages.push_back({*role, std::move(*text)});
    }
    return messages;
}

bool template_flag(const Json& body, const char* name, bool absent) {
    const Json* value = template_argument(body, name);
    return value != nullptr && value->is_boolean() ? value->get<bool>() : absent;
}

std::string template_text(const Json& body, const char* name) {
    const Json* value = template_argument(body, name);
    return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

}  // namespace sluice::local_engine
