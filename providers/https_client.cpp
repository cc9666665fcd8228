#include "providers/https_client.hpp"

#include "core/net/http_fields.hpp"
#include "core/net/last_chunk.hpp"
#include "providers/connection_error.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>

namespace sluice::providers {

namespace {

namespace net = core::net;
namespace http = boost::beast::http;
using core::Errc;
using core::Error;
using core::Result;
using Clock = core::Deadline::Clock;

constexpr std::size_t kReadBytes = std::size_t{16} << 10U;
constexpr std::chrono::milliseconds kReadEndFor{1'000};
constexpr std::uint64_t kMostToReadOn = std::uint64_t{64} << 10U;

constexpr std::string_view kSending = "sending the request";
constexpr std::string_view kWaiting = "waiting for the answer";
constexpr std::string_view kReading = "reading the answer";
constexpr const char* kTooLong = "a header, trailer or chunk header is too long";

void prepare_parser(Connection& connection, std::uint64_t body_limit) {
    auto& parser = connection.parser.emplace();
    parser.eager(true);
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(body_limit);
}

// What is still to be sent of it.
std::array<net::const_buffer, 2> rest_after(const RequestBytes& request, std::size_t sent) {
    const std::size_t of_head = std::min(sent, request.head.size());
    return {net::buffer(request.head) + of_head, net::buffer(request.rest) + (sent - of_head)};
}

// How the system says that the other side closed an unused connection.
bool is_gone(const core::error_code& error) {
    return error == net::error::eof || error == net::error::connection_reset || error == net::error::broken_pipe ||
           error == net::error::connection_aborted || error == net::ssl::error::stream_truncated;
}

}  // namespace

std::string_view HttpAnswer::field(http::field name) const {
    return core::field_of(lease_->parser->get(), name);
}

net::mutable_buffer HttpAnswer::space() {
    auto& buffer = lease_->buffer;
    return buffer.prepare(std::min(kReadBytes, buffer.max_size() - buffer.size()));
}

// At the end of the connection the parser decides whether the answer may end there.
Result<void> HttpAnswer::received(std::size_t bytes, std::string_view doing) {
    Connection& connection = *lease_;
    if (!error_) {
        answered_ = true;
        wants_more_ = false;
        connection.buffer.commit(bytes);
        return {};
    }
    if (error_ == net::error::eof && connection.parser->got_some()) {
        core::error_code incomplete;
        connection.parser->put_eof(incomplete);
        if (!incomplete && connection.parser->is_done()) return {};
    }
    return transfer_error(error_, doing);
}

Result<void> HttpAnswer::parse() {
    Connection& connection = *lease_;
    const auto bytes = connection.buffer.data();
    const bool in_chunks = connection.parser->is_header_done() && connection.parser->chunked();
    if (in_chunks && core::last_chunk_is_cut({static_cast<const char*>(bytes.data()), bytes.size()})) {
        wants_more_ = true;
        return {};
    }
    core::error_code error;
    const std::size_t used = connection.parser->put(bytes, error);
    connection.buffer.consume(used);
    wants_more_ = error == http::error::need_more || used == 0 || connection.buffer.size() == 0;
    if (error && error != http::error::need_more) return transfer_error(error, kReading);
    return {};
}

core::awaitable<Result<void>> HttpAnswer::read_header() {
    Connection& connection = *lease_;
    for (int informational = 0;; ++informational) {
        while (!connection.parser->is_header_done()) {
            if (wants_more_) {
                const auto room = space();
                if (room.size() == 0) co_return malformed(kTooLong);
                const std::size_t bytes = co_await connection.stream->async_read_some(room, net::redirect_error(core::use_awaitable, error_));
                if (auto taken = received(bytes, kWaiting); !taken) co_return taken;
            }
            if (auto parsed = parse(); !parsed) co_return parsed;
        }
        if (status() / 100 != 1) break;
        if (status() == 101 || informational == kMaxInformational)
            co_return malformed("too many informational answers, or a change of protocol");
        prepare_parser(connection, body_limit_);
        wants_more_ = connection.buffer.size() == 0;
    }
    co_return check_header();
}

Result<void> HttpAnswer::check_header() const {
    const auto& header = lease_->parser->get();
    if (status() < 200 || status() > 599) return malformed("its status is none");
    bool transfer = false;
    for (const auto& field : header) {
        if (field.name() == http::field::transfer_encoding) {
            if (transfer || !boost::beast::iequals(field.value(), "chunked")) return malformed("its transfer encoding is not supported");
            transfer = true;
        }
        const bool encoded = field.name() == http::field::content_encoding && !field.value().empty();
        if (encoded && !boost::beast::iequals(field.value(), "identity")) return malformed("its content encoding was not asked for");
    }
    return {};
}

core::awaitable<Result<std::string_view>> HttpAnswer::read() {
    Connection& connection = *lease_;
    std::string& body = connection.parser->get().body();
    if (std::exchange(taken_, false)) body.clear();
    while (body.empty() && !connection.parser->is_done()) {
        if (wants_more_) {
            connection.stream->expires_at(deadline_.within(timeouts_.idle).at());
            const auto room = space();
            if (room.size() == 0) co_return malformed(kTooLong);
            const std::size_t bytes = co_await connection.stream->async_read_some(room, net::redirect_error(core::use_awaitable, error_));
            if (auto taken = received(bytes, kReading); !taken) co_return taken.error();
            if (connection.parser->is_done()) break;
        }
        if (auto parsed = parse(); !parsed) co_return parsed.error();
    }
    taken_ = true;
    co_return std::string_view(body);
}

std::optional<std::string> HttpAnswer::body_at_once() {
    if (taken_ || !lease_->parser->is_done()) return std::nullopt;
    taken_ = true;
    return std::move(lease_->parser->get().body());
}

core::awaitable<Result<std::string>> HttpAnswer::read_all(std::uint64_t most) {
    std::string all;
    for (;;) {
        const auto piece = co_await read();
        if (!piece) co_return piece.error();
        if (piece->empty()) co_return all;
        if (all.size() + piece->size() > most) co_return malformed("it is too long");
        all.append(*piece);
    }
}

void HttpAnswer::give_back() {
    const auto& parser = *lease_->parser;
    // Bytes after the answer belong to no request: such a connection would give the next caller somebody else's answer.
    if (parser.is_done() && parser.keep_alive() && lease_->buffer.size() == 0 && sent_all_) lease_.keep();
}

void HttpAnswer::finish(HttpAnswer answer) {
    if (answer.complete()) return answer.give_back();
    if (!answer.sent_all_ || !answer.lease_->parser->keep_alive()) return;
    const auto executor = answer.lease_->stream->get_executor();
    net::co_spawn(executor, read_end(std::move(answer)), net::detached);
}

core::awaitable<void> HttpAnswer::read_end(HttpAnswer answer) {
    answer.deadline_ = core::Deadline::after(kReadEndFor);
    const auto rest = co_await answer.read_all(kMostToReadOn);
    if (rest) answer.give_back();
}

HttpsClient::HttpsClient(net::io_context& loop, const Endpoint& endpoint, net::ssl::context* tls,
                         UpstreamTimeouts timeouts, int max_connections)
    : timeouts_(timeouts),
      pool_(std::make_shared<ConnectionPool>(loop, core::Dialer(loop, endpoint.host, endpoint.port, tls), timeouts,
                                             max_connections)) {}

core::awaitable<Result<HttpAnswer>> HttpsClient::send(RequestBytes request, std::uint64_t body_limit,
                                                      core::Deadline deadline, bool& reached) {
    for (auto take = ConnectionPool::Take::Any;; take = ConnectionPool::Take::Fresh) {
        auto lease = pool_->at_once(take);
        if (!lease) {
            auto acquired = co_await pool_->acquire(take, deadline);
            if (!acquired) co_return acquired.error();
            lease.emplace(std::move(*acquired));
        }
        Connection& connection = **lease;
        const bool reused = connection.reused;
        prepare_parser(connection, body_limit);
        HttpAnswer answer(std::move(*lease), timeouts_, deadline, body_limit);

        reached = true;
        core::error_code unsent;
        connection.stream->expires_at(deadline.within(timeouts_.first_byte).at());
        const std::size_t sent = connection.stream->write_at_once(request.head, request.rest);
        if (sent < request.head.size() + request.rest.size()) {
            const auto left = rest_after(request, sent);
            co_await net::async_write(*connection.stream, left, net::redirect_error(core::use_awaitable, unsent));
            connection.stream->expires_at(deadline.within(timeouts_.first_byte).at());
        }
        answer.sent_all_ = !unsent;
        // An upstream that refuses early (too large, too many) closes while it is still being written to, after it
        // answered.
        if (unsent && !is_gone(unsent)) co_return transfer_error(unsent, kSending);
        const auto header = co_await answer.read_header();
        if (header) co_return answer;
        const bool stale = reused && !answer.answered_ && is_gone(answer.error_);
        if (!stale || take == ConnectionPool::Take::Fresh) co_return header.error();
    }
}

}  // namespace sluice::providers
