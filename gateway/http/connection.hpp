// The bytes of one client connection, plain or TLS: a bounded input buffer that is always being filled, writes that
// finish without waiting when the socket has room, one deadline, and word of the client's leaving while nobody reads.
//
// OpenSSL reads and writes the socket itself, so an idle TLS connection holds no record buffers; the input buffer is
// freed while it is empty. Lives on one event loop. Errors are states (gone(), ended()), not exceptions.
#pragma once

#include "core/async.hpp"
#include "core/net/timeouts.hpp"
#include "gateway/http/limits.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct ssl_st;
struct ssl_ctx_st;

namespace sluice::gateway {

using Socket = core::net::basic_stream_socket<core::net::ip::tcp, core::Executor>;

// What woke a wait for input.
enum class Input {
    Bytes,     // there is more in input()
    Ended,     // the client sends no more, or is gone
    TimedOut,  // the deadline passed
    Stopped,   // interrupt() was called
};

class Connection : private core::Timeouts::Entry {
public:
    using Clock = std::chrono::steady_clock;

    // `tls` null: plain. `limits`, `timeouts` and `tls` outlive the connection.
    Connection(core::net::io_context& loop, Socket socket, ssl_ctx_st* tls, const HttpLimits& limits,
               const HttpTimeouts& timeouts);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // Called once, first. `owner` keeps this object alive while operations are pending. `on_gone` is called when the
    // client is known to be gone while nobody waits for input, and again every 500 ms until the connection is closed:
    // the cancellation it causes may come between two operations.
    void start(std::weak_ptr<void> owner, std::function<void()> on_gone);
    core::awaitable<bool> handshake();  // true at once for plain connections

    std::string_view input() const { return std::string_view(buffer_).substr(begin_); }
    void consume(std::size_t bytes);
    core::awaitable<Input> more_input();  // waits; one caller at a time
    void interrupt();                     // ends a wait for input with Stopped

    // Sends both parts. True: all sent, or failed (see failed()). False: call flush() next. The parts stay valid until
    // then.
    bool write(std::string_view first, std::string_view second = {});
    core::awaitable<void> flush();  // ends early when cancelled: the connection has failed then
    bool failed() const { return failed_; }
    bool flushing() const { return write_by_ != Clock::time_point::max(); }

    // Waits for input end at `at`; writes have a limit of their own.
    void expires_at(Clock::time_point at);
    void expires_never() { expires_at(Clock::time_point::max()); }

    bool ended() const { return ended_; }  // no more input will come; the client may still read
    // The client is gone: reset, write stalled, or sent its FIN and stayed silent for HttpTimeouts::half_closed.
    bool gone() const { return gone_; }

    void end_output();  // close_notify and FIN
    // After end_output(): reads and drops until the client's FIN, the linger time or the linger bytes. Closing while
    // the client still sends would reset the connection and take the answer with it.
    core::awaitable<void> linger();
    void close();
    void reset();  // RST: a cut answer must not look finished

private:
    struct SslFree {
        void operator()(ssl_st* ssl) const;
    };
    using Waiter = core::net::async_result<std::decay_t<decltype(core::use_awaitable)>, void(Input)>::handler_type;

    enum class Got { Bytes, Nothing, End, Failure };
    struct Received {
        Got got;
        std::size_t bytes = 0;
    };
    Received receive(char* into, std::size_t room);
    std::ptrdiff_t send_some(std::string_view first, std::string_view second);  // bytes, 0 for "no room now", -1

    void watch();        // keeps exactly one wait for readability pending while there is room
    void on_readable();  // fills the buffer
    void on_end(bool reset);
    void watch_for_reset();
    void declare_gone();
    void wake(Input input);
    void arm_deadline();
    void on_deadline() override;
    void act_on_deadline();
    core::awaitable<bool> wait_for(bool readable);

    Socket socket_;
    core::Executor executor_;
    std::unique_ptr<ssl_st, SslFree> ssl_;
    const HttpLimits& limits_;
    const HttpTimeouts& timeouts_;
    std::weak_ptr<void> owner_;
    std::function<void()> on_gone_;

    std::string buffer_;
    std::size_t begin_ = 0;
    std::optional<Waiter> waiter_;
    std::string_view first_;  // what flush() still has to send
    std::string_view second_;

    Clock::time_point deadline_ = Clock::time_point::max();
    Clock::time_point gone_at_ = Clock::time_point::max();  // when silence after a FIN counts as gone
    Clock::time_point write_by_ = Clock::time_point::max();
    bool watching_ = false;
    bool ended_ = false;
    bool gone_ = false;
    bool failed_ = false;
    bool closed_ = false;
};

}  // namespace sluice::gateway
