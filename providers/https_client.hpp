// HTTP/1.1 to one upstream, on one event loop: sends a request that was built afresh and reads the answer within bounds
// of time and size. Redirects are not followed, encodings other than identity are refused, informational answers are
// skipped up to a number. A kept connection that turns out to be closed before it answered is replaced once, silently.
#pragma once

#include "core/deadline.hpp"
#include "core/result.hpp"
#include "providers/connection_pool.hpp"
#include "providers/endpoint.hpp"

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::providers {

// A request in two parts, so that the first, which holds the key, is made once. Together they are the whole request.
struct RequestBytes {
    std::string_view head;  // request line and fields, each line ended
    std::string_view rest;  // more fields, the empty line, the body
};

// An answer whose header was read. Destroying it before its end closes the connection.
class HttpAnswer {
public:
    HttpAnswer(ConnectionPool::Lease lease, UpstreamTimeouts timeouts, core::Deadline deadline,
               std::uint64_t body_limit)
        : lease_(std::move(lease)), timeouts_(timeouts), deadline_(deadline), body_limit_(body_limit) {}

    int status() const { return lease_->parser->get().result_int(); }
    std::string_view field(boost::beast::http::field name) const;  // empty when absent
    bool complete() const { return lease_->parser->is_done(); }

    // The next piece of the body, as much as has come; empty at its end. Valid until the next call.
    // Errors: Timeout (silence, or the deadline), UpstreamFailed (cut, too long, malformed), Cancelled.
    core::awaitable<core::Result<std::string_view>> read();
    // The whole body, at most `most` bytes.
    core::awaitable<core::Result<std::string>> read_all(std::uint64_t most);
    // The whole body where it came with the header; null: read_all().
    std::optional<std::string> body_at_once();

    // Nothing more is wanted of this answer. A complete one gives the connection back; one that lacks only its end is
    // read on in the background for a short while; anything else closes.
    static void finish(HttpAnswer answer);

private:
    friend class HttpsClient;
    // Around each read: where to put more bytes (empty: the buffer is full), and what came.
    core::net::mutable_buffer space();
    core::Result<void> received(std::size_t bytes, std::string_view doing);
    core::Result<void> parse();
    core::awaitable<core::Result<void>> read_header();
    core::Result<void> check_header() const;
    static core::awaitable<void> read_end(HttpAnswer answer);
    void give_back();

    ConnectionPool::Lease lease_;
    UpstreamTimeouts timeouts_;
    core::Deadline deadline_;
    std::uint64_t body_limit_;
    core::error_code error_;  // of the last read
    bool wants_more_ = true;  // the parser has used all that was received
    bool answered_ = false;   // a byte of the answer was received
    bool sent_all_ = false;   // the request was
    bool taken_ = false;      // the piece in the parser was handed out
};

class HttpsClient {
public:
    // `tls` null: plain http; otherwise it outlives the client.
    HttpsClient(core::net::io_context& loop, const Endpoint& endpoint, core::net::ssl::context* tls,
                UpstreamTimeouts timeouts, int max_connections);

    // Until the end of the answer's header. `body_limit`: of the answer. `reached` becomes true when bytes of the
    // request may have arrived. Errors as of HttpAnswer::read and ConnectionPool::acquire.
    core::awaitable<core::Result<HttpAnswer>> send(RequestBytes request, std::uint64_t body_limit,
                                                   core::Deadline deadline, bool& reached);

    const ConnectionPool& pool() const { return *pool_; }

private:
    UpstreamTimeouts timeouts_;
    std::shared_ptr<ConnectionPool> pool_;
};

}  // namespace sluice::providers
