#include "tests/support/scripted_answer.hpp"

#include "core/json.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace sluice::testing {

using core::Json;

ScriptedAnswer& ScriptedAnswer::send(std::string bytes) {
    steps.push_back({.kind = Step::Kind::Send, .bytes = std::move(bytes)});
    return *this;
}
ScriptedAnswer& ScriptedAnswer::pause(std::chrono::milliseconds time) {
    steps.push_back({.kind = Step::Kind::Pause, .pause = time});
    return *this;
}
ScriptedAnswer& ScriptedAnswer::hang() {
    steps.push_back({.kind = Step::Kind::Hang});
    return *this;
}
ScriptedAnswer& ScriptedAnswer::bill(const core::Usage& usage) {
    steps.push_back({.kind = Step::Kind::Bill, .usage = usage});
    return *this;
}
ScriptedAnswer& ScriptedAnswer::finish() {
    steps.push_back({.kind = Step::Kind::Finish});
    return *this;
}
ScriptedAnswer& ScriptedAnswer::close() {
    steps.push_back({.kind = Step::Kind::Close});
    return *this;
}
ScriptedAnswer& ScriptedAnswer::reset() {
    steps.push_back({.kind = Step::Kind::Reset});
    return *this;
}

namespace {

// `content` in `count` pieces, none cut inside of a UTF-8 character.
std::vector<std::string> pieces_of(const std::string& content, int count) {
    std::vector<std::string> pieces;
    std::size_t begin = 0;
    for (int i = 1; i <= count; ++i) {
        std::size_t end = content.size() * static_cast<std::size_t>(i) / static_cast<std::size_t>(count);
        while (end < content.size() && (static_cast<unsigned char>(content[end]) & 0xC0U) == 0x80U) ++end;
        pieces.push_back(content.substr(begin, std::max(begin, end) - begin));
        begin = std::max(begin, end);
    }
    return pieces;
}

// The usage member's text: false usage goes in as it is, even if that makes the JSON invalid.
std::string usage_text(const Completion& completion) {
    return completion.usage_json ? *completion.usage_json : core::dump_json(core::to_json(completion.usage));
}

std::string with_usage(std::string object, const Completion& completion) {
    if (!completion.send_usage) return object;
    object.pop_back();
    return object + ",\"usage\":" + usage_text(completion) + "}";
}

Json chunk_object(const Completion& completion) {
    return Json{{"id", "chatcmpl-scripted"},
                {"object", "chat.completion.chunk"},
                {"created", 1'700'000'000},
                {"model", completion.model}};
}

std::string chunk(const Completion& completion, Json delta, Json finish_reason) {
    Json object = chunk_object(completion);
    object["choices"] =
        Json::array({{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish_reason)}}});
    return core::dump_json(object);
}

}  // namespace

std::string completion_json(const Completion& completion) {
    Json object{{"id", "chatcmpl-scripted"},
                {"object", "chat.completion"},
                {"created", 1'700'000'000},
                {"model", completion.model},
                {"choices", Json::array({{{"index", 0},
                                          {"message", {{"role", "assistant"}, {"content", completion.content}}},
                                          {"finish_reason", "stop"}}})}};
    return with_usage(core::dump_json(object), completion);
}

std::vector<std::string> completion_chunks(const Completion& completion) {
    std::vector<std::string> chunks;
    chunks.push_back(chunk(completion, {{"role", "assistant"}, {"content", ""}}, nullptr));
    for (auto& piece : pieces_of(completion.content, std::max(1, completion.events)))
        chunks.push_back(chunk(completion, {{"content", std::move(piece)}}, nullptr));
    chunks.push_back(chunk(completion, Json::object(), "stop"));
    if (completion.send_usage) {
        Json object = chunk_object(completion);
        object["choices"] = Json::array();
        chunks.push_back(with_usage(core::dump_json(object), completion));
    }
    return chunks;
}

std::string framed(std::string_view data) {
    std::string out = "data: ";
    out.append(data).append("\n\n");
    return out;
}

std::string chunked(std::string_view bytes) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    std::string out = size;
    out.append(bytes).append("\r\n");
    return out;
}

std::string head(int status, std::string_view more_fields) {
    std::string out = "HTTP/1.1 " + std::to_string(status) + " Scripted\r\n";
    out.append(more_fields).append("\r\n");
    return out;
}

ScriptedAnswer plain_answer(const Completion& completion) {
    const std::string body = completion_json(completion);
    ScriptedAnswer answer;
    answer.bill(completion.usage);
    answer.send(head(200, "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n") +
                body);
    return answer.finish();
}

ScriptedAnswer stream_answer(const Completion& completion) {
    const bool paused = completion.pause_between_events.count() > 0;
    auto chunks = completion_chunks(completion);
    if (completion.send_done) chunks.emplace_back("[DONE]");
    ScriptedAnswer answer;
    std::string bytes = head(200, "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n");
    const auto billed_after = [&](std::size_t sent) {
        core::Usage usage = completion.usage;
        usage.completion =
            std::min(usage.completion, (usage.completion * static_cast<core::Tokens>(sent) + completion.events - 1) /
                                           std::max(1, completion.events));
        return usage;
    };
    answer.bill(billed_after(0));
    for (std::size_t i = 0; i < chunks.size(); ++i) {
        bytes += chunked(framed(chunks[i]));
        if (!paused) continue;
        answer.bill(billed_after(i)).send(std::exchange(bytes, {})).pause(completion.pause_between_events);
    }
    answer.bill(completion.usage);
    return answer.send(bytes + "0\r\n\r\n").finish();
}

ScriptedAnswer error_answer(int status, std::string_view body, std::string_view more_fields) {
    ScriptedAnswer answer;
    answer.send(head(status, "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                                 "\r\n" + std::string(more_fields)) +
                std::string(body));
    return answer;
}

}  // namespace sluice::testing
