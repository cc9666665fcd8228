#include "gateway/demo_cloud/demo_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>

namespace sluice::gateway {
namespace {

using core::Json;

// About what a tokenizer makes of English: a token per four bytes of the bound's one byte each.
constexpr core::Tokens kBytesPerToken = 4;

std::int64_t now_in_seconds() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// One piece per word, the space in front of it included.
std::vector<std::string> words_of(const std::string& text) {
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t next = text.find(' ', at + 1);
        pieces.push_back(text.substr(at, next == std::string::npos ? next : next - at));
        at = next == std::string::npos ? text.size() : next;
    }
    return pieces;
}

// The function the request asks for by name, else its first one; null when it must not be called.
Json wanted_tool(const Json& body) {
    const auto tools = body.find("tools");
    if (tools == body.end() || !tools->is_array() || tools->empty()) return nullptr;
    const Json choice = body.value("tool_choice", Json("auto"));
    if (choice == Json("none")) return nullptr;
    // An answer to a tool's result is text: otherwise a client's loop would never end.
    if (body.at("messages").back().value("role", "") == "tool") return nullptr;
    std::string name;
    if (choice.is_object() && choice.contains("function")) name = choice.at("function").value("name", "");
    for (const Json& tool : *tools) {
        if (!tool.is_object() || !tool.contains("function") || !tool.at("function").is_object()) continue;
        const std::string offered = tool.at("function").value("name", "");
        if (name.empty() || offered == name) return offered;
    }
    return nullptr;
}

Json choice_delta(std::int64_t index, Json delta, const Json& finish_reason) {
    return {{"index", index}, {"delta", std::move(delta)}, {"logprobs", nullptr}, {"finish_reason", finish_reason}};
}

Json chunk(const std::string& id, std::int64_t created, Json choices) {
    return {{"id", id},
            {"object", "chat.completion.chunk"},
            {"created", created},
            {"model", kDemoModel},
            {"choices", std::move(choices)}};
}

}  // namespace

DemoAnswer demo_answer(const core::ChatRequest& request, std::size_t body_bytes) {
    DemoAnswer answer;
    const Json tool = wanted_tool(request.body());
    if (tool.is_string()) {
        answer.tool_call = {
            {"id", "call_demo"}, {"type", "function"}, {"function", {{"name", tool}, {"arguments", "{}"}}}};
        answer.finish_reason = "tool_calls";
    } else {
        answer.pieces = words_of(fmt::format(
            "This is the demo cloud of Sluice: a script, not a model. It received {} bytes with {} message{}. Set "
            "DEEPSEEK_API_KEY or OPENAI_API_KEY, or configure a provider, and a real model answers here.",
            body_bytes, request.body().at("messages").size(), request.body().at("messages").size() == 1 ? "" : "s"));
        answer.finish_reason = "stop";
        const core::Tokens limit = request.max_tokens().value_or(std::numeric_limits<core::Tokens>::max());
        if (std::cmp_greater(answer.pieces.size(), limit)) {
            answer.pieces.resize(static_cast<std::size_t>(limit));
            answer.finish_reason = "length";
        }
    }
    const auto prompt = request.prompt_tokens_bound() / kBytesPerToken + 1;
    const auto completion =
        std::max<std::int64_t>(1, static_cast<std::int64_t>(answer.pieces.size())) * request.choices();
    answer.usage = {
        {"prompt_tokens", prompt}, {"completion_tokens", completion}, {"total_tokens", prompt + completion}};
    return answer;
}

Json demo_completion(const core::ChatRequest& request, const DemoAnswer& answer, const std::string& id) {
    Json message{{"role", "assistant"}, {"content", nullptr}};
    if (answer.tool_call.is_null()) {
        std::string text;
        for (const std::string& piece : answer.pieces) text += piece;
        message["content"] = text;
    } else {
        message["tool_calls"] = Json::array({answer.tool_call});
    }
    Json choices = Json::array();
    for (std::int64_t i = 0; i < request.choices(); ++i) {
        choices.push_back(
            {{"index", i}, {"message", message}, {"logprobs", nullptr}, {"finish_reason", answer.finish_reason}});
    }
    return {{"id", id},           {"object", "chat.completion"}, {"created", now_in_seconds()}, {"model", kDemoModel},
            {"choices", choices}, {"usage", answer.usage}};
}

std::vector<Json> demo_chunks(const core::ChatRequest& request, const DemoAnswer& answer, const std::string& id) {
    const std::int64_t created = now_in_seconds();
    std::vector<Json> chunks;
    const auto send = [&](std::int64_t choice, Json delta, const Json& finish_reason) {
        chunks.push_back(chunk(id, created, Json::array({choice_delta(choice, std::move(delta), finish_reason)})));
    };
    for (std::int64_t i = 0; i < request.choices(); ++i) {
        send(i, {{"role", "assistant"}, {"content", ""}}, nullptr);
        for (const std::string& piece : answer.pieces) send(i, {{"content", piece}}, nullptr);
        if (!answer.tool_call.is_null()) {
            Json call = answer.tool_call;
            call["index"] = 0;
            send(i, {{"tool_calls", Json::array({call})}}, nullptr);
        }
        send(i, Json::object(), answer.finish_reason);
    }
    if (request.include_usage()) {
        chunks.push_back(chunk(id, created, Json::array()));
        chunks.back()["usage"] = answer.usage;
    }
    return chunks;
}

}  // namespace sluice::gateway
