#include "core/chat.hpp"

#include <array>

#include "core/chat_fields.hpp"
#include "core/request_fields.hpp"

namespace sluice::core {

namespace {

constexpr std::array<std::string_view, 6> kRoles{"system", "developer", "user", "assistant", "tool", "function"};

Error invalid(std::string field, std::string detail) { return Error{Errc::InvalidRequest, std::move(detail), std::move(field)}; }

// Integer member within [low, high]; absent and null leave `out` alone.
Result<void> read_integer(const RequestFields& given, RequestField field, std::int64_t low, std::int64_t high, std::optional<std::int64_t>& out) {
    const Json* value = given[field];
    if (value == nullptr) return {};
    const bool too_big = value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
    if (!value->is_number_integer() || too_big || value->get<std::int64_t>() < low || value->get<std::int64_t>() > high)
        return invalid(field.name(), "must be an integer from " + std::to_string(low) + " to " + std::to_string(high));
    out = value->get<std::int64_t>();
    return {};
}

Result<void> read_bool(const Json* value, const char* path, bool& out) {
    if (value == nullptr || value->is_null()) return {};
    if (!value->is_boolean()) return invalid(path, "must be true or false");
    out = value->get<bool>();
    return {};
}

// A number within [low, high], when present.
Result<void> check_number(const RequestFields& given, RequestField field, double low, double high) {
    const Json* value = given[field];
    if (value == nullptr) return {};
    if (!value->is_number() || !(value->get<double>() >= low && value->get<double>() <= high))
        return invalid(field.name(), "must be a number from " + std::to_string(static_cast<int>(low)) + " to " + std::to_string(static_cast<int>(high)));
    return {};
}

// Bytes of every string in a value, keys included. Depth is bounded by JsonLimits.
std::size_t text_bytes(const Json& value) {
    if (value.is_string()) return value.get_ref<const std::string&>().size();
    std::size_t sum = 8;  // punctuation and numbers
    if (value.is_object())
        for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) sum += key.size() + text_bytes(member);
    else if (value.is_array())
        for (const auto& element : value) sum += text_bytes(element);
    return sum;
}

// True in `has_attachments` when a part is anything but text.
Result<void> check_parts(const Json& content, const std::string& path, bool& has_attachments) {
    if (!content.is_array()) return invalid(path, "must be a string or an array of content parts");
    for (std::size_t i = 0; i < content.size(); ++i) {
        const std::string part_path = path + "[" + std::to_string(i) + "]";
        const Json& part = content[i];
        if (!part.is_object()) return invalid(part_path, "must be an object");
        const auto type = part.find("type");
        if (type == part.end() || !type->is_string()) return invalid(part_path + ".type", "is required and must be a string");
        if (*type == "text" || *type == "refusal") {
            const auto text = part.find(type->get<std::string>());
            if (text == part.end() || !text->is_string()) return invalid(part_path + "." + type->get<std::string>(), "is required and must be a string");
        } else {
            has_attachments = true;
        }
    }
    return {};
}

Result<void> check_message(const Json& message, const std::string& path, bool& has_attachments) {
    if (!message.is_object()) return invalid(path, "must be an object");
    const auto role = message.find("role");
    if (role == message.end() || !role->is_string()) return invalid(path + ".role", "is required and must be a string");
    bool known = false;
    for (const auto name : kRoles) known = known || role->get_ref<const std::string&>() == name;
    if (!known) return invalid(path + ".role", "must be one of system, developer, user, assistant, tool, function");
    const auto content = message.find("content");
    const bool may_be_absent = *role == "assistant";
    if (content == message.end() || content->is_null()) {
        if (!may_be_absent) return invalid(path + ".content", "is required");
    } else if (!content->is_string()) {
        if (auto checked = check_parts(*content, path + ".content", has_attachments); !checked) return checked;
    }
    const auto calls = message.find("tool_calls");
    if (calls == message.end() || calls->is_null()) return {};
    if (!calls->is_array()) return invalid(path + ".tool_calls", "must be an array");
    for (std::size_t i = 0; i < calls->size(); ++i)
        if (auto checked = check_tool_call((*calls)[i], path + ".tool_calls[" + std::to_string(i) + "]"); !checked) return checked;
    return {};
}

Result<void> check_stop(const Json* stop, std::size_t most) {
    if (stop == nullptr || stop->is_string()) return {};
    if (!stop->is_array() || stop->size() > most) return invalid("stop", "must be a string or an array of at most " + std::to_string(most) + " strings");
    for (const auto& text : *stop)
        if (!text.is_string()) return invalid("stop", "must be a string or an array of strings");
    return {};
}

Result<void> read_model(const Json* model, std::string& out) {
    if (model == nullptr || !model->is_string() || model->get_ref<const std::string&>().empty())
        return invalid("model", "is required and must be a string");
    out = model->get<std::string>();
    if (out.size() > 256) return invalid("model", "is longer than 256 bytes");
    return {};
}

}  // namespace

Result<ChatRequest> ChatRequest::from_json(Json body, const ChatLimits& limits) {
    if (!body.is_object()) return invalid("", "the request body must be a JSON object");
    ChatRequest out;
    const RequestFields given{body};

    if (auto read = read_model(given["model"], out.model_); !read) return read.error();

    const Json* messages = given["messages"];
    if (messages == nullptr || !messages->is_array()) return invalid("messages", "is required and must be an array");
    if (messages->empty() || messages->size() > limits.max_messages)
        return invalid("messages", "must hold 1 to " + std::to_string(limits.max_messages) + " messages");
    for (std::size_t i = 0; i < messages->size(); ++i) {
        const std::string path = "messages[" + std::to_string(i) + "]";
        if (auto checked = check_message((*messages)[i], path, out.has_attachments_); !checked) return checked.error();
    }

    if (auto read = read_bool(given["stream"], "stream", out.stream_); !read) return read.error();
    if (const Json* options = given["stream_options"]; options != nullptr) {
        if (!options->is_object()) return invalid("stream_options", "must be an object");
        const auto usage = options->find("include_usage");
        const Json* include = usage == options->end() ? nullptr : &*usage;
        if (auto read = read_bool(include, "stream_options.include_usage", out.include_usage_); !read) return read.error();
    }

    std::optional<std::int64_t> old_name;
    std::optional<std::int64_t> choices;
    std::optional<std::int64_t> drawn;
    std::optional<std::int64_t> seed;
    if (auto read = read_integer(given, "max_tokens", 1, limits.max_tokens, old_name); !read) return read.error();
    if (auto read = read_integer(given, "max_completion_tokens", 1, limits.max_tokens, out.max_tokens_); !read) return read.error();
    if (!out.max_tokens_) out.max_tokens_ = old_name;
    if (auto read = read_integer(given, "n", 1, limits.max_choices, choices); !read) return read.error();
    if (auto read = read_integer(given, "best_of", 1, limits.max_choices, drawn); !read) return read.error();
    if (auto read = read_integer(given, "seed", INT64_MIN, INT64_MAX, seed); !read) return read.error();
    if (auto read = read_integer(given, "top_logprobs", 0, 20, seed); !read) return read.error();
    out.choices_ = choices.value_or(1);
    // Servers that know best_of bill what they drew and threw away; the hold covers n answers.
    if (drawn.value_or(1) > out.choices_) return invalid("best_of", "may not be more than n");
    if (auto checked = check_number(given, "temperature", 0, 2); !checked) return checked.error();
    if (auto checked = check_number(given, "top_p", 0, 1); !checked) return checked.error();
    if (auto checked = check_number(given, "presence_penalty", -2, 2); !checked) return checked.error();
    if (auto checked = check_number(given, "frequency_penalty", -2, 2); !checked) return checked.error();
    if (auto checked = check_stop(given["stop"], limits.max_stop); !checked) return checked.error();

    if (const Json* tools = given["tools"]; tools != nullptr) {
        if (!tools->is_array() || tools->size() > limits.max_tools)
            return invalid("tools", "must be an array of at most " + std::to_string(limits.max_tools) + " tools");
        out.has_tools_ = !tools->empty();
    }

    if (auto checked = check_passed_fields(given); !checked) return checked.error();

    // Everything in the body may be rendered into the prompt by a template, so all of it counts.
    out.prompt_bound_ = static_cast<Tokens>(text_bytes(body) + 16 * messages->size() + 64);
    out.body_ = std::move(body);
    return out;
}

Result<ChatRequest> ChatRequest::from_embeddings_json(Json body, const ChatLimits& limits) {
    if (!body.is_object()) return invalid("", "the request body must be a JSON object");
    ChatRequest out;
    out.operation_ = Operation::Embeddings;
    const RequestFields given{body};
    if (auto read = read_model(given["model"], out.model_); !read) return read.error();
    const Json* input = given["input"];
    const auto is_text = [](const Json& text) { return text.is_string() && !text.get_ref<const std::string&>().empty(); };
    if (input == nullptr || !(input->is_string() || input->is_array()))
        return invalid("input", "is required and must be a text or an array of texts");
    if (input->is_string() && !is_text(*input)) return invalid("input", "is empty");
    if (input->is_array() && (input->empty() || input->size() > limits.max_inputs))
        return invalid("input", "must hold 1 to " + std::to_string(limits.max_inputs) + " texts");
    for (std::size_t i = 0; input->is_array() && i < input->size(); ++i)
        if (!is_text((*input)[i])) return invalid("input[" + std::to_string(i) + "]", "must be a text that is not empty");
    const Json* format = given["encoding_format"];
    if (format != nullptr && *format != "float" && *format != "base64")
        return invalid("encoding_format", "must be float or base64");
    std::optional<std::int64_t> dimensions;
    if (auto read = read_integer(given, "dimensions", 1, 65536, dimensions); !read) return read.error();
    const std::size_t texts = input->is_array() ? input->size() : 1;
    out.prompt_bound_ = static_cast<Tokens>(text_bytes(body) + 16 * texts + 64);
    out.body_ = std::move(body);
    return out;
}

}  // namespace sluice::core
