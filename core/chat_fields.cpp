#include "core/chat_fields.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace sluice::core {

namespace {

Error wrong(std::string field, std::string detail) {
    return Error{Errc::InvalidRequest, std::move(detail), std::move(field)};
}

// The member, or null when it is absent or null: both mean "not given".
const Json* given(const Json& object, const char* name) {
    const auto it = object.find(name);
    return it == object.end() || it->is_null() ? nullptr : &*it;
}

Result<void> check_text(const Json& object, const char* name, const std::string& path) {
    const Json* text = given(object, name);
    if (text == nullptr || !text->is_string() || text->get_ref<const std::string&>().empty())
        return wrong(path + "." + name, "is required and must be a string");
    return {};
}

// As a provider reads it that is not strict about names left out; what is there must be text.
Result<void> check_name(const Json& function, const std::string& path) {
    const Json* name = given(function, "name");
    if (name != nullptr && !name->is_string()) return wrong(path + ".name", "must be a string");
    return {};
}

Result<void> check_tool(const Json& tool, const std::string& path) {
    if (!tool.is_object()) return wrong(path, "must be an object");
    const bool bare = given(tool, "type") == nullptr && given(tool, "function") != nullptr;  // some clients leave it out
    if (!bare) {
        if (auto checked = check_text(tool, "type", path); !checked) return checked;
        if (tool.at("type") != "function") return {};  // kinds that only some providers know
    }
    const Json* function = given(tool, "function");
    if (function == nullptr || !function->is_object()) return wrong(path + ".function", "is required and must be an object");
    if (auto checked = check_name(*function, path + ".function"); !checked) return checked;
    const Json* parameters = given(*function, "parameters");
    if (parameters != nullptr && !parameters->is_object()) return wrong(path + ".function.parameters", "must be an object");
    return {};
}

Result<void> check_tools(const Json* tools) {
    if (tools == nullptr) return {};
    if (!tools->is_array()) return wrong("tools", "must be an array");
    for (std::size_t i = 0; i < tools->size(); ++i)
        if (auto checked = check_tool((*tools)[i], "tools[" + std::to_string(i) + "]"); !checked) return checked;
    return {};
}

Result<void> check_tool_choice(const Json* choice) {
    if (choice == nullptr || choice->is_string()) return {};
    if (!choice->is_object()) return wrong("tool_choice", "must be a string or an object");
    return check_text(*choice, "type", "tool_choice");
}

Result<void> check_response_format(const Json* format) {
    if (format == nullptr) return {};
    if (!format->is_object()) return wrong("response_format", "must be an object");
    if (auto checked = check_text(*format, "type", "response_format"); !checked) return checked;
    if (format->at("type") != "json_schema") return {};
    const Json* schema = given(*format, "json_schema");
    if (schema == nullptr || !schema->is_object())
        return wrong("response_format.json_schema", "is required and must be an object");
    return {};
}

Result<void> check_logit_bias(const Json* bias) {
    if (bias == nullptr) return {};
    if (!bias->is_object()) return wrong("logit_bias", "must be an object of token ids and numbers");
    const auto within = [](const Json& value) {
        return value.is_number() && value.get<double>() >= -100 && value.get<double>() <= 100;
    };
    if (!std::ranges::all_of(*bias, within)) return wrong("logit_bias", "its values must be numbers from -100 to 100");
    return {};
}

}  // namespace

Result<void> check_tool_call(const Json& call, const std::string& path) {
    if (!call.is_object()) return wrong(path, "must be an object");
    const Json* function = given(call, "function");
    if (function == nullptr) return {};
    if (!function->is_object()) return wrong(path + ".function", "must be an object");
    return check_name(*function, path + ".function");
}

Result<void> check_passed_fields(const RequestFields& given) {
    if (auto checked = check_tools(given["tools"]); !checked) return checked;
    if (auto checked = check_tool_choice(given["tool_choice"]); !checked) return checked;
    if (auto checked = check_response_format(given["response_format"]); !checked) return checked;
    if (auto checked = check_logit_bias(given["logit_bias"]); !checked) return checked;
    for (const RequestField field : {RequestField{"logprobs"}, RequestField{"parallel_tool_calls"}, RequestField{"store"}})
        if (const Json* flag = given[field]; flag != nullptr && !flag->is_boolean())
            return wrong(field.name(), "must be true or false");
    for (const RequestField field :
         {RequestField{"user"}, RequestField{"service_tier"}, RequestField{"reasoning_effort"},
          RequestField{"safety_identifier"}, RequestField{"prompt_cache_key"}})
        if (const Json* text = given[field]; text != nullptr && !text->is_string())
            return wrong(field.name(), "must be a string");
    if (const Json* metadata = given["metadata"]; metadata != nullptr && !metadata->is_object())
        return wrong("metadata", "must be an object");
    return {};
}

}  // namespace sluice::core
