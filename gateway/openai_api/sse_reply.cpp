#include "gateway/openai_api/sse_reply.hpp"

#include "gateway/http/error_response.hpp"
#include "router/decision.hpp"

namespace sluice::gateway {

using core::Result;

void append_event(std::string& out, std::string_view json) {
    while (true) {
        const auto line_end = json.find_first_of("\r\n");
        out.append("data: ").append(json.substr(0, line_end)).push_back('\n');
        if (line_end == std::string_view::npos) break;
        json.remove_prefix(line_end + 1);
    }
    out.push_back('\n');
}

void SseReply::set_head(const router::ReplyHead& head) {
    if (started()) return;
    decision_ = head.decision;
    target_ = head.target;
    head_ = head;
    head_.decision = decision_;
    head_.target = target_;
}

std::vector<Header> SseReply::headers() const {
    std::vector<Header> headers;
    headers.reserve(5);
    headers.push_back({"x-sluice-decision", decision_});
    headers.push_back({"x-sluice-data-class", std::string{core::to_string(head_.data_class)}});
    headers.push_back({"x-sluice-cache", std::string{router::to_string(head_.cache)}});
    if (!target_.empty()) {
        headers.push_back({"x-sluice-zone", std::string{core::to_string(head_.zone)}});
        headers.push_back({"x-sluice-target", target_});
    }
    return headers;
}

core::awaitable<Result<void>> SseReply::write(std::string_view framed) {
    if (!exchange_.started()) {
        const auto head = headers();
        if (auto begun = co_await exchange_.start_events(head); !begun) co_return begun;
    }
    co_return co_await exchange_.write(framed);
}

core::awaitable<Result<void>> SseReply::events(std::span<const std::string_view> chunks) {
    frame_.clear();
    for (const auto chunk : chunks) append_event(frame_, chunk);
    co_return co_await write(frame_);
}

core::awaitable<Result<void>> SseReply::body(std::string json) {
    headers_ = headers();
    return exchange_.respond(200, "application/json", std::move(json), headers_);
}

core::awaitable<Result<void>> SseReply::heartbeat() { co_return co_await write(": waiting\n\n"); }

core::awaitable<Result<void>> SseReply::end() {
    if (!exchange_.started()) {
        const auto head = headers();
        if (auto begun = co_await exchange_.start_events(head); !begun) co_return begun;
    }
    co_return co_await exchange_.finish("data: [DONE]\n\n");
}

core::awaitable<Result<void>> SseReply::fail(const core::Error& error) {
    const std::string event = error_event(error);
    const auto written = co_await exchange_.write(event);
    exchange_.abandon();
    co_return written;
}

}  // namespace sluice::gateway
