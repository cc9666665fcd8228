#include "gateway/http/http_exchange.hpp"

#include "gateway/http/error_response.hpp"

#include <array>
#include <charconv>

namespace sluice::gateway {

using core::awaitable;
using core::Errc;
using core::Error;
using core::Result;

namespace {

constexpr std::size_t kCopiedBody = 16 * 1024;  // smaller bodies join their header: one piece for TLS, one record
constexpr std::size_t kKeptOutput = 16 * 1024;  // an output string that grew beyond this is not kept between requests
constexpr std::string_view kLastChunk = "0\r\n\r\n";

Error misuse(const char* what) {
    return {.code = Errc::Internal, .detail = what};
}

}  // namespace

void HttpExchange::reset() {
    request_.method.clear();
    request_.path.clear();
    request_.query.clear();
    request_.headers.clear();
    std::string().swap(request_.body);
    request_.request_id.clear();
    request_.path_parameter = {};
    if (out_.capacity() > kKeptOutput) std::string().swap(out_);
    out_.clear();
    state_ = State::Fresh;
    persistence_ = Persistence::KeepAlive;
    http_1_1_ = true;
    head_only_ = false;
    cancelled_ = false;
    status_ = 0;
}

void HttpExchange::set_form(bool http_1_1, bool head_only, Persistence persistence) {
    http_1_1_ = http_1_1;
    head_only_ = head_only;
    if (persistence_ != Persistence::Close) persistence_ = persistence;
}

awaitable<Result<void>> HttpExchange::respond(int status, std::string_view content_type, std::string body,
                                              std::span<const Header> headers) {
    if (state_ != State::Fresh) co_return misuse("answered twice");
    if (!valid_headers(headers)) co_return co_await respond_error(misuse("invalid response header"), {});
    state_ = State::Complete;
    status_ = status;
    const bool bodiless = status == 204;
    append_head(out_,
                {.status = status,
                 .content_type = bodiless ? std::string_view() : content_type,
                 .content_length = bodiless ? std::nullopt : std::optional<std::size_t>(body.size()),
                 .request_id = request_.request_id,
                 .persistence = persistence_},
                headers);
    std::string_view rest = head_only_ || bodiless ? std::string_view() : body;
    if (rest.size() <= kCopiedBody) {
        out_ += rest;
        rest = {};
    }
    if (!connection_.write(out_, rest)) co_await connection_.flush();
    co_return sent();
}

awaitable<Result<void>> HttpExchange::respond_error(const Error& error, std::span<const Header> headers) {
    if (state_ != State::Fresh) co_return misuse("answered twice");
    std::vector<Header> all(headers.begin(), headers.end());
    if (error.retry_after)
        all.push_back({"retry-after", std::to_string(std::max<std::int64_t>(error.retry_after->count(), 1))});
    if (error.code == Errc::Unauthorized) all.push_back({"www-authenticate", "Bearer"});
    if (!valid_headers(all)) all.clear();
    co_return co_await respond(error_kind(error).status, "application/json", error_json(error), all);
}

awaitable<Result<void>> HttpExchange::start_events(std::span<const Header> headers) {
    if (state_ != State::Fresh) co_return misuse("answered twice");
    if (!valid_headers(headers)) co_return misuse("invalid response header");
    if (cancelled_) co_return outcome();
    state_ = State::Events;
    status_ = 200;
    if (!http_1_1_)
        persistence_ = Persistence::Close;  // HTTP/1.0 has no chunks: the end of the connection ends the answer
    append_head(out_,
                {.status = 200,
                 .content_type = "text/event-stream; charset=utf-8",
                 .content_length = std::nullopt,
                 .chunked = http_1_1_,
                 .event_stream = true,
                 .request_id = request_.request_id,
                 .persistence = persistence_},
                headers);
    co_return outcome();
}

void HttpExchange::append_events(std::string_view events) {
    if (events.empty() || head_only_) return;  // an empty chunk would end the stream
    if (!http_1_1_) {
        out_.append(events);
        return;
    }
    std::array<char, 16> size{};
    const auto end = std::to_chars(size.data(), size.data() + size.size(), events.size(), 16).ptr;
    out_.append(size.data(), end).append("\r\n").append(events).append("\r\n");
}

awaitable<Result<void>> HttpExchange::write(std::string_view framed_events) {
    if (state_ != State::Events) co_return misuse("no event stream is open");
    if (cancelled_) co_return outcome();
    append_events(framed_events);
    if (!connection_.write(out_)) co_await connection_.flush();
    co_return sent();
}

awaitable<Result<void>> HttpExchange::finish(std::string_view last_events) {
    if (state_ != State::Events) co_return misuse("no event stream is open");
    append_events(last_events);
    if (http_1_1_ && !head_only_) out_.append(kLastChunk);
    state_ = State::Complete;
    if (!connection_.write(out_)) co_await connection_.flush();
    co_return sent();
}

void HttpExchange::abandon() {
    if (state_ == State::Complete) return;
    persistence_ = Persistence::Close;
    if (state_ == State::Events && cancelled_) return;  // conclude() ends it with an error event
    state_ = State::Abandoned;
}

awaitable<void> HttpExchange::conclude(const Error& unanswered) {
    if (state_ == State::Complete) co_return;
    persistence_ = Persistence::Close;
    if (state_ == State::Fresh) co_await respond_error(unanswered, {});
    if (state_ != State::Events) co_return;
    const std::string event = error_event(unanswered);
    append_events(event);
    if (!connection_.write(out_)) co_await connection_.flush();
    out_.clear();
    state_ = State::Failed;
}

Result<void> HttpExchange::sent() {
    out_.clear();
    return outcome();
}

Result<void> HttpExchange::outcome() const {
    if (connection_.failed()) return Error{.code = Errc::Cancelled, .detail = "the client is gone"};
    if (cancelled_ && state_ != State::Complete)
        return Error{.code = Errc::Unavailable, .detail = "the server is shutting down"};
    return {};
}

}  // namespace sluice::gateway
