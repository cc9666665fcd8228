// The streaming half of OpenAiProtocol.
#include "providers/answer_error.hpp"
#include "providers/call.hpp"
#include "providers/connection_error.hpp"
#include "providers/openai_protocol.hpp"
#include "providers/sse_decoder.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <deque>

namespace sluice::providers {

namespace {

namespace net = core::net;
using core::Errc;
using core::Error;
using core::Result;

// Sorts the events of an answer: what goes to the client, what is only for us, what ends the answer.
class EventSorter {
public:
    explicit EventSorter(Call& call) : call_(call) {}

    // Fills batch() with what is to be passed on; an error stops behind it.
    Result<void> sort(std::span<const std::string_view> events) {
        batch_.clear();
        rewritten_.clear();
        for (const auto event : events) {
            AnswerFacts facts;
            if (!scan_answer(event, facts)) return malformed("an event is not a JSON object");
            if (!facts.error.empty()) return error_in_band(facts.error);
            call_.note(facts);
            seen_choices_ = seen_choices_ || (facts.has_choices && !facts.no_choices);
            const bool only_usage = !facts.usage.empty() && (facts.no_choices || !facts.has_choices);
            if (only_usage && !call_.request.include_usage()) continue;
            batch_.push_back(on_one_line(event));
        }
        return {};
    }
    std::span<const std::string_view> batch() const { return batch_; }
    bool seen_choices() const { return seen_choices_; }

private:
    // An event of several data lines: in JSON a line end is white space, and framing needs one line.
    std::string_view on_one_line(std::string_view event) {
        if (event.find('\n') == std::string_view::npos) return event;
        std::string& line = rewritten_.emplace_back(event);
        std::replace(line.begin(), line.end(), '\n', ' ');
        return line;
    }

    Call& call_;
    bool seen_choices_ = false;
    std::vector<std::string_view> batch_;
    std::deque<std::string> rewritten_;
};

// Errors that come as a plain answer although a stream was asked for.
core::awaitable<Result<void>> read_unexpected(HttpAnswer answer) {
    const auto body = co_await answer.read_all(kMaxErrorBytes);
    if (!body) co_return body.error();
    AnswerFacts facts;
    if (scan_answer(*body, facts) && !facts.error.empty()) co_return error_in_band(facts.error);
    co_return malformed("it is not an event stream");
}

}  // namespace

core::awaitable<Result<void>> OpenAiProtocol::read_stream(Call& call, HttpAnswer answer) {
    if (!has_media_type(answer.field(boost::beast::http::field::content_type), "text/event-stream"))
        co_return co_await read_unexpected(std::move(answer));
    SseDecoder decoder(kMaxEventBytes);
    EventSorter sorter(call);
    for (;;) {
        const auto stopped = co_await net::this_coro::cancellation_state;
        if (stopped.cancelled() != net::cancellation_type::none || call.reply.client_gone()) co_return cancelled();
        const auto piece = co_await answer.read();
        if (!piece) co_return piece.error();
        if (piece->empty()) co_return Error{Errc::UpstreamFailed, "the upstream ended the stream before its end"};

        const auto sorted = sorter.sort(decoder.feed(*piece));
        if (!sorter.batch().empty()) {
            call.passed_on = true;
            const auto delivered = co_await call.reply.events(sorter.batch());
            if (!delivered) co_return cancelled();
        }
        if (!sorted) co_return sorted.error();
        if (decoder.failed()) co_return malformed("an event is too long");
        if (decoder.done()) break;
    }
    if (!sorter.seen_choices()) co_return malformed("the stream has no choices");
    HttpAnswer::finish(std::move(answer));
    co_return Result<void>{};
}

}  // namespace sluice::providers
