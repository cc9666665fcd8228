// A TCP connection, plain or TLS, with a deadline. One concrete type for clients and upstreams: Beast's HTTP code is
// instantiated once, and which kind it is is one predictable branch per operation. Satisfies AsyncReadStream and
// AsyncWriteStream (no synchronous half). Lives on one io_context; not movable; outlives its operations.
//
// Deadline: when it passes, pending operations end with net::error::timed_out and later ones fail at once, until a new
// deadline is set. An operation ended by cancellation reports net::error::operation_aborted.
#pragma once

#include "core/async.hpp"
#include "core/net/timeouts.hpp"

#include <boost/asio/associator.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::core {

using error_code = boost::system::error_code;
using Tcp = net::ip::tcp;
using Socket = net::basic_stream_socket<Tcp, Executor>;

// Not final: Asio derives from I/O objects to look at their members.
class Stream : private Timeouts::Entry {
public:
    using executor_type = Executor;
    using Clock = Timeouts::Clock;

    // `tls` null: plain. Otherwise nothing can be read or written before a handshake; the context outlives the stream.
    // Sets TCP_NODELAY when the socket is open; after connecting one that was not, call set_no_delay().
    explicit Stream(Socket socket, net::ssl::context* tls = nullptr);
    ~Stream() override = default;

    bool tls() const { return tls_.has_value(); }
    bool is_open() const { return socket_.is_open(); }
    Socket& socket() { return socket_; }
    executor_type get_executor() { return socket_.get_executor(); }
    void set_no_delay();

    // TLS only. Bounded by the deadline.
    awaitable<error_code> handshake_server();
    // Sends `host` as server name (unless it is an address) and accepts only a certificate that is valid for it.
    awaitable<error_code> handshake_client(const std::string& host);

    void expires_at(Clock::time_point at) {
        timed_out_ = false;
        Entry::expires_at(at);
    }
    void expires_after(Clock::duration span) { expires_at(Clock::now() + span); }
    void expires_never() {
        timed_out_ = false;
        Entry::expires_never();
    }
    bool timed_out() const { return timed_out_; }

    // Tells the peer that no more comes: close_notify (TLS; waits for the peer's, bounded by the deadline), then FIN.
    awaitable<error_code> shutdown_send();
    // At once, without a TLS goodbye; pending operations end with operation_aborted.
    void close();
    // The same with a reset instead of a FIN: a cut answer must not look finished to a peer that reads until close.
    void reset();

    // Sends what fits without waiting, and says how much; of a TLS connection nothing. An error is left to the next
    // operation.
    std::size_t write_at_once(std::string_view first, std::string_view second);

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return net::async_initiate<Token, void(error_code, std::size_t)>(Read{this}, token, buffers);
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return net::async_initiate<Token, void(error_code, std::size_t)>(Write{this}, token, buffers);
    }

    // Wraps a handler: tells a deadline from a cancellation. Everything associated with the handler stays so.
    template <class Handler>
    struct Completion {
        Stream* stream;
        Handler handler;
        void operator()(error_code error, std::size_t bytes = 0) {
            if (error && stream->timed_out_) error = net::error::timed_out;
            std::move(handler)(error, bytes);
        }
    };

private:
    struct Read {
        using executor_type = Stream::executor_type;
        Stream* stream;
        executor_type get_executor() const noexcept { return stream->get_executor(); }
        template <class Handler, class Buffers>
        void operator()(Handler&& handler, const Buffers& buffers) const {
            if (stream->timed_out_) return stream->fail(std::forward<Handler>(handler));
            Completion<std::decay_t<Handler>> completion{stream, std::forward<Handler>(handler)};
            if (stream->tls_) stream->tls_->async_read_some(buffers, std::move(completion));
            else stream->socket_.async_read_some(buffers, std::move(completion));
        }
    };
    struct Write {
        using executor_type = Stream::executor_type;
        Stream* stream;
        executor_type get_executor() const noexcept { return stream->get_executor(); }
        template <class Handler, class Buffers>
        void operator()(Handler&& handler, const Buffers& buffers) const {
            if (stream->timed_out_) return stream->fail(std::forward<Handler>(handler));
            Completion<std::decay_t<Handler>> completion{stream, std::forward<Handler>(handler)};
            if (stream->tls_) stream->tls_->async_write_some(buffers, std::move(completion));
            else stream->socket_.async_write_some(buffers, std::move(completion));
        }
    };

    template <class Handler>
    void fail(Handler&& handler) {
        net::post(get_executor(), [kept = std::decay_t<Handler>(std::forward<Handler>(handler))]() mutable {
            std::move(kept)(error_code(net::error::timed_out), std::size_t{0});
        });
    }

    void on_deadline() override;

    Socket socket_;
    std::optional<net::ssl::stream<Socket&>> tls_;
    bool timed_out_ = false;
};

}  // namespace sluice::core

template <template <class, class> class Associator, class Handler, class Default>
struct boost::asio::associator<Associator, sluice::core::Stream::Completion<Handler>, Default>
    : Associator<Handler, Default> {
    using Type = sluice::core::Stream::Completion<Handler>;
    static auto get(const Type& completion) noexcept { return Associator<Handler, Default>::get(completion.handler); }
    static auto get(const Type& completion, const Default& fallback) noexcept {
        return Associator<Handler, Default>::get(completion.handler, fallback);
    }
};
