#include "providers/https_client.hpp"

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

void prepare_parser(Connection& connection, std::uint64_t body_limit) {
    auto& parser = connection.parser.emplace();
    parser.eager(true);
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(body_limit);
}

// How the system says that the other side closed an unused connection.
bool is_gone(const core::error_code& error) {
    return error == net::error::eof || error == net::error::connection_reset || error == net::error::broken_pipe ||
           error == net::error::connection_aborted || error == net::ssl::error::stream_truncated;
}

}  // namespace

std::string_view HttpAnswer::field(std::string_view name) const {
    const auto value = lease_->parser->get()[boost::beast::string_view(name.data(), name.size())];
    return {value.data(), value.size()};
}

// Receives more bytes; at the end of the connection the parser decides whether the answer may end there.
core::awaitable<Result<void>> HttpAnswer::fill(std::string_view doing) {
    Connection& connection = *lease_;
    auto& buffer = connection.buffer;
    const std::size_t space = std::min(kReadBytes, buffer.max_size() - buffer.size());
    if (space == 0) co_return malformed("a header, trailer or chunk header is too long");
    const std::size_t bytes = co_await connection.stream->async_read_some(
        buffer.prepare(space), net::redirect_error(core::use_awaitable, error_));
    if (!error_) {
        answered_ = true;
        wants_more_ = false;
        buffer.commit(bytes);
        co_return Result<void>{};
    }
    if (error_ == net::error::eof && connection.parser->got_some()) {
        core::error_code incomplete;
        connection.parser->put_eof(incomplete);
        if (!incomplete && connection.parser->is_done()) co_return Result<void>{};
    }
    co_return transfer_error(error_, doing);
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
    connection.stream->expires_at(deadline_.within(timeouts_.first_byte).at());
    for (int informational = 0;; ++informational) {
        while (!connection.parser->is_header_done()) {
            if (wants_more_)
                if (auto filled = co_await fill(kWaiting); !filled) co_return filled;
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
    const auto transfer = header.equal_range(http::field::transfer_encoding);
    if (transfer.first != transfer.second &&
        (std::next(transfer.first) != transfer.second || !boost::beast::iequals(transfer.first->value(), "chunked")))
        return malformed("its transfer encoding is not supported");
    const auto encoding = header[http::field::content_encoding];
    if (!encoding.empty() && !boost::beast::iequals(encoding, "identity"))
        return malformed("its content encoding was not asked for");
    return {};
}

core::awaitable<Result<std::string_view>> HttpAnswer::read() {
    Connection& connection = *lease_;
    std::string& body = connection.parser->get().body();
    if (std::exchange(taken_, false)) body.clear();
    while (body.empty() && !connection.parser->is_done()) {
        if (wants_more_) {
            connection.stream->expires_at(deadline_.within(timeouts_.idle).at());
            if (auto filled = co_await fill(kReading); !filled) co_return filled.error();
            if (connection.parser->is_done()) break;
        }
        if (auto parsed = parse(); !parsed) co_return parsed.error();
    }
    taken_ = true;
    co_return std::string_view(body);
}

core::awaitable<Result<std::string>> HttpAnswer::read_all(std::uint64_t most) {
    std::string all;
    if (!taken_ && lease_->parser->is_done()) {  // it came with its header
        all = std::move(lease_->parser->get().body());
        taken_ = true;
        if (all.size() > most) co_return malformed("it is too long");
        co_return all;
    }
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
    Try first = co_await try_once(request, body_limit, deadline, reached, ConnectionPool::Take::Any);
    if (!first.stale) co_return std::move(first.answer);
    Try second = co_await try_once(request, body_limit, deadline, reached, ConnectionPool::Take::Fresh);
    co_return std::move(second.answer);
}

core::awaitable<HttpsClient::Try> HttpsClient::try_once(RequestBytes request, std::uint64_t body_limit,
                                                        core::Deadline deadline, bool& reached,
                                                        ConnectionPool::Take take) {
    auto lease = pool_->at_once(take);
    if (!lease) {
        auto acquired = co_await pool_->acquire(take, deadline);
        if (!acquired) co_return Try{acquired.error()};
        lease.emplace(std::move(*acquired));
    }
    Connection& connection = **lease;
    const bool reused = connection.reused;
    prepare_parser(connection, body_limit);
    HttpAnswer answer(std::move(*lease), timeouts_, deadline, body_limit);

    reached = true;
    connection.stream->expires_at(deadline.within(timeouts_.first_byte).at());
    const std::array<net::const_buffer, 2> bytes{net::buffer(request.head), net::buffer(request.rest)};
    core::error_code unsent;
    co_await net::async_write(*connection.stream, bytes, net::redirect_error(core::use_awaitable, unsent));
    answer.sent_all_ = !unsent;
    // An upstream that refuses early (too large, too many) closes while it is still being written to, after it
    // answered.
    if (unsent && !is_gone(unsent)) co_return Try{transfer_error(unsent, kSending)};
    const auto header = co_await answer.read_header();
    if (header) co_return Try{std::move(answer)};
    co_return Try{header.error(), reused && !answer.answered_ && is_gone(answer.error_)};
}

}  // namespace sluice::providers
