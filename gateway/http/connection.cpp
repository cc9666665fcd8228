#include "gateway/http/connection.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace sluice::gateway {

namespace net = core::net;
using boost::system::error_code;

namespace {

constexpr std::size_t kKeptBytes = 4096;  // a longer buffer is given back between requests
constexpr std::chrono::milliseconds kRepeatGone{500};
// TLS copies into records of 16 KiB anyway; larger pieces only lengthen the time one client holds the loop.
constexpr std::size_t kTlsPiece = 16 * 1024;
constexpr std::size_t kMostAtOnce = 16 * 1024;

}  // namespace

void Connection::SslFree::operator()(ssl_st* ssl) const {
    SSL_free(ssl);
}

Connection::Connection(net::io_context& loop, Socket socket, ssl_ctx_st* tls, const HttpLimits& limits,
                       const HttpTimeouts& timeouts)
    : Entry(core::Timeouts::of(loop)),
      socket_(std::move(socket)),
      executor_(socket_.get_executor()),
      limits_(limits),
      timeouts_(timeouts) {
    error_code ignored;
    socket_.native_non_blocking(true, ignored);
    socket_.set_option(net::ip::tcp::no_delay(true), ignored);
    if (tls != nullptr) {
        ssl_.reset(SSL_new(tls));
        if (!ssl_ || SSL_set_fd(ssl_.get(), socket_.native_handle()) != 1) throw std::bad_alloc();
        SSL_set_accept_state(ssl_.get());
    }
}

void Connection::start(std::weak_ptr<void> owner, std::function<void()> on_gone) {
    owner_ = std::move(owner);
    on_gone_ = std::move(on_gone);
}

// ---- input ----

void Connection::consume(std::size_t bytes) {
    begin_ += bytes;
    if (begin_ < buffer_.size()) return watch();  // there may be room again
    begin_ = 0;
    // An idle connection keeps nothing; a body in flight keeps its buffer.
    if (buffer_.capacity() > kKeptBytes) std::string().swap(buffer_);
    else buffer_.clear();
}

core::awaitable<Input> Connection::more_input() {
    if (ended_ || closed_) co_return Input::Ended;
    if (ssl_ && SSL_has_pending(ssl_.get()) == 1 && buffer_.size() - begin_ < limits_.max_header_bytes) {
        const std::size_t before = buffer_.size() - begin_;
        on_readable();  // decrypted bytes that were left behind for want of room: the socket will not announce them
        if (buffer_.size() - begin_ > before) co_return Input::Bytes;
        if (ended_) co_return Input::Ended;
    }
    watch();
    arm_deadline();
    const auto initiate = [this](Waiter waiter) { waiter_.emplace(std::move(waiter)); };
    co_return co_await net::async_initiate<decltype(core::use_awaitable), void(Input)>(initiate, core::use_awaitable);
}

void Connection::wake(Input input) {
    Waiter waiter = std::move(*waiter_);
    waiter_.reset();
    std::move(waiter)(input);
}

void Connection::interrupt() {
    if (!waiter_) return;
    net::post(executor_, [this, self = owner_.lock()] {
        if (waiter_) wake(Input::Stopped);
    });
}

void Connection::watch() {
    if (watching_ || ended_ || closed_ || buffer_.size() - begin_ >= limits_.max_header_bytes) return;
    watching_ = true;
    socket_.async_wait(Socket::wait_read, [this, self = owner_.lock()](const error_code& error) {
        watching_ = false;
        if (closed_ || error) {
            if (waiter_) wake(Input::Ended);
            return;
        }
        on_readable();
        watch();
        if (waiter_ && !input().empty()) wake(Input::Bytes);
        else if (waiter_ && ended_) wake(Input::Ended);
    });
}

void Connection::on_readable() {
    if (begin_ > 0) {
        buffer_.erase(0, begin_);
        begin_ = 0;
    }
    // Read into one place that stays in the cache: a string grown for the most that may come is mostly cleared in vain.
    thread_local std::array<char, kMostAtOnce> arrived;
    while (buffer_.size() < limits_.max_header_bytes) {
        const std::size_t room = std::min(arrived.size(), limits_.max_header_bytes - buffer_.size());
        const Received received = receive(arrived.data(), room);
        buffer_.append(arrived.data(), received.bytes);
        if (received.got == Got::End || received.got == Got::Failure) return on_end(received.got == Got::Failure);
        if (received.got == Got::Nothing) return;
        if (!ssl_ && received.bytes < room) return;  // plain: the socket was emptied
    }
}

Connection::Received Connection::receive(char* into, std::size_t room) {
    if (ssl_) {
        ERR_clear_error();
        const int got = SSL_read(ssl_.get(), into, static_cast<int>(room));
        if (got > 0) return {Got::Bytes, static_cast<std::size_t>(got)};
        switch (SSL_get_error(ssl_.get(), got)) {
            case SSL_ERROR_WANT_READ:
            case SSL_ERROR_WANT_WRITE: return {Got::Nothing};
            case SSL_ERROR_ZERO_RETURN: return {Got::End};
            default: return {Got::Failure};
        }
    }
    const ssize_t got = ::recv(socket_.native_handle(), into, room, 0);
    if (got > 0) return {Got::Bytes, static_cast<std::size_t>(got)};
    if (got == 0) return {Got::End};
    return {errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? Got::Nothing : Got::Failure};
}

// ---- the client's leaving ----

void Connection::on_end(bool reset) {
    ended_ = true;
    if (reset) return declare_gone();
    // A FIN says that no more comes, not that nobody reads: most clients are gone, a few (nc, scripts) wait for the
    // answer. Quick answers reach those; work that takes longer is not done for the sake of a few.
    gone_at_ = Clock::now() + timeouts_.half_closed;
    arm_deadline();
    watch_for_reset();
}

void Connection::watch_for_reset() {
    socket_.async_wait(Socket::wait_error, [this, self = owner_.lock()](const error_code& error) {
        if (!error && !closed_) declare_gone();
    });
}

void Connection::declare_gone() {
    if (closed_) return;
    if (!gone_) {
        gone_ = true;
        failed_ = true;
        ended_ = true;
    }
    gone_at_ = Clock::now() + kRepeatGone;
    arm_deadline();
    if (waiter_) interrupt();
    else if (on_gone_) on_gone_();
}

// ---- deadlines ----

void Connection::expires_at(Clock::time_point at) {
    deadline_ = at;
    arm_deadline();
}

void Connection::arm_deadline() {
    Entry::expires_at(std::min({gone_at_, write_by_, deadline_}));
}

// May run anywhere in the wheel, which forbids destroying its entries: the consequences run on their own.
void Connection::on_deadline() {
    net::post(executor_, [this, self = owner_.lock()] {
        if (self && !closed_) act_on_deadline();
    });
}

void Connection::act_on_deadline() {
    const auto now = Clock::now();
    if (deadline_ <= now && waiter_) {
        deadline_ = Clock::time_point::max();
        arm_deadline();
        return wake(Input::TimedOut);
    }
    if (deadline_ <= now) deadline_ = Clock::time_point::max();
    if (write_by_ <= now) {
        write_by_ = Clock::time_point::max();
        declare_gone();
        error_code ignored;
        socket_.cancel(ignored);
        return;
    }
    if (gone_at_ <= now) return declare_gone();
    arm_deadline();
}

// ---- output ----

bool Connection::write(std::string_view first, std::string_view second) {
    while (!failed_ && !closed_ && (!first.empty() || !second.empty())) {
        const std::ptrdiff_t sent = send_some(first, second);
        if (sent < 0) {
            failed_ = true;
            break;
        }
        if (sent == 0) {
            first_ = first;
            second_ = second;
            return false;
        }
        const std::size_t of_first = std::min(first.size(), static_cast<std::size_t>(sent));
        first.remove_prefix(of_first);
        second.remove_prefix(static_cast<std::size_t>(sent) - of_first);
    }
    return true;
}

std::ptrdiff_t Connection::send_some(std::string_view first, std::string_view second) {
    if (ssl_) {
        const std::string_view part = (first.empty() ? second : first).substr(0, kTlsPiece);
        ERR_clear_error();
        const int sent = SSL_write(ssl_.get(), part.data(), static_cast<int>(part.size()));
        if (sent > 0) return sent;
        const int why = SSL_get_error(ssl_.get(), sent);
        return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? 0 : -1;
    }
    std::array<iovec, 2> parts{
        {{const_cast<char*>(first.data()), first.size()}, {const_cast<char*>(second.data()), second.size()}}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
    if (sent > 0) return sent;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
}

core::awaitable<bool> Connection::wait_for(bool readable) {
    error_code error;
    co_await socket_.async_wait(readable ? Socket::wait_read : Socket::wait_write,
                                net::redirect_error(core::use_awaitable, error));
    co_return !error && !closed_;
}

core::awaitable<void> Connection::flush() {
    while (true) {
        write_by_ = Clock::now() + timeouts_.write_stall;
        arm_deadline();
        const bool ready = co_await wait_for(false);
        write_by_ = Clock::time_point::max();
        arm_deadline();
        // A cancelled wait leaves half an answer behind: nothing may follow it.
        if (!ready) failed_ = true;
        if (failed_ || write(first_, second_)) co_return;
    }
}

// ---- beginning and end ----

core::awaitable<bool> Connection::handshake() {
    if (!ssl_) co_return true;
    write_by_ = Clock::now() + timeouts_.handshake;  // fails whatever is waited for
    arm_deadline();
    while (!failed_ && !closed_) {
        ERR_clear_error();
        const int done = SSL_accept(ssl_.get());
        if (done == 1) break;
        const int why = SSL_get_error(ssl_.get(), done);
        if ((why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) ||
            !co_await wait_for(why == SSL_ERROR_WANT_READ)) {
            failed_ = true;
        }
    }
    write_by_ = Clock::time_point::max();
    arm_deadline();
    co_return !failed_ && !closed_;
}

void Connection::end_output() {
    if (closed_ || failed_) return;
    if (ssl_) {
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
    }
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
}

core::awaitable<void> Connection::linger() {
    if (closed_ || failed_) co_return;
    std::size_t dropped = input().size();
    consume(input().size());
    expires_at(Clock::now() + timeouts_.linger);
    while (!ended_ && dropped < limits_.max_linger_bytes) {
        if (co_await more_input() != Input::Bytes) break;
        dropped += input().size();
        consume(input().size());
    }
}

void Connection::close() {
    if (closed_) return;
    closed_ = true;
    Entry::expires_never();
    error_code ignored;
    socket_.close(ignored);
}

void Connection::reset() {
    if (closed_) return;
    error_code ignored;
    socket_.set_option(net::socket_base::linger(true, 0), ignored);
    declare_gone();
    close();
}

}  // namespace sluice::gateway
