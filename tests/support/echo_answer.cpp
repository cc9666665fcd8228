#include "tests/support/echo_answer.hpp"

#include "core/json.hpp"

#include <algorithm>

namespace sluice::testing {

namespace {

using core::Json;

std::string text_of(const Json& content) {
    if (content.is_string()) return content.get<std::string>();
    std::string out;
    if (content.is_array())
        for (const auto& part : content)
            if (part.is_object() && part.contains("text") && part["text"].is_string())
                out += part["text"].get<std::string>();
    return out;
}

std::string last_arguments(const Json& messages) {
    std::string out;
    for (const auto& message : messages) {
        const auto calls = message.find("tool_calls");
        if (calls == message.end() || !calls->is_array()) continue;
        for (const auto& call : *calls)
            if (call.is_object() && call.contains("function") && call["function"].contains("arguments") &&
                call["function"]["arguments"].is_string())
                out = call["function"]["arguments"].get<std::string>();
    }
    return out;
}

Json tool_call(const std::string& arguments, bool first) {
    Json call{{"index", 0}, {"function", {{"arguments", arguments}}}};
    if (first) {
        call["id"] = "call_echo";
        call["type"] = "function";
        call["function"]["name"] = "echo";
    }
    return Json::array({std::move(call)});
}

std::string event(Json delta, Json finish_reason) {
    return core::dump_json(Json{
        {"id", "chatcmpl-echo"},
        {"object", "chat.completion.chunk"},
        {"created", 1'700'000'000},
        {"model", "echo"},
        {"choices",
         Json::array({Json{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish_reason)}}})}});
}

template <class Use>
void in_pieces(const std::string& text, std::size_t piece, const Use& use) {
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = std::min(text.size(), at + std::max<std::size_t>(1, piece));
        while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) ++end;
        use(text.substr(at, end - at), at == 0);
        at = end;
    }
}

}  // namespace

ScriptedAnswer echo_answer(const UpstreamRequest& request, std::size_t piece) {
    if (request.body.find("[[fault:") != std::string::npos) return default_answer(request, {});
    const auto body = core::parse_json(request.body);
    if (!body || !body->contains("messages")) return error_answer(400, "{}");
    const std::string content = text_of((*body)["messages"].back().value("content", Json("")));
    const std::string arguments = last_arguments((*body)["messages"]);
    const core::Usage usage{.prompt = 11, .completion = 7};
    ScriptedAnswer answer;
    answer.bill(usage);
    if (!request.stream) {
        Json message{{"role", "assistant"}, {"content", content}};
        if (!arguments.empty()) message["tool_calls"] = tool_call(arguments, true);
        const std::string json = core::dump_json(Json{
            {"id", "chatcmpl-echo"},
            {"object", "chat.completion"},
            {"created", 1'700'000'000},
            {"model", "echo"},
            {"choices", Json::array({Json{{"index", 0}, {"message", std::move(message)}, {"finish_reason", "stop"}}})},
            {"usage", core::to_json(usage)}});
        answer.send(
            head(200, "Content-Type: application/json\r\nContent-Length: " + std::to_string(json.size()) + "\r\n") +
            json);
        return answer.finish();
    }
    std::string bytes = head(200, "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n");
    const auto add = [&](const std::string& data) { bytes += chunked(framed(data)); };
    add(event({{"role", "assistant"}, {"content", ""}}, nullptr));
    in_pieces(content, piece, [&](const std::string& part, bool) { add(event({{"content", part}}, nullptr)); });
    in_pieces(arguments, piece, [&](const std::string& part, bool first) {
        add(event({{"tool_calls", tool_call(part, first)}}, nullptr));
    });
    add(event(Json::object(), arguments.empty() ? "stop" : "tool_calls"));
    add(core::dump_json(Json{{"id", "chatcmpl-echo"},
                             {"object", "chat.completion.chunk"},
                             {"choices", Json::array()},
                             {"usage", core::to_json(usage)}}));
    add("[DONE]");
    return answer.send(bytes + "0\r\n\r\n").finish();
}

}  // namespace sluice::testing
