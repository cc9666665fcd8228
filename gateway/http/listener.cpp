#include "gateway/http/listener.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

namespace sluice::gateway {

namespace net = core::net;
using boost::system::error_code;

namespace {

constexpr std::chrono::milliseconds kAcceptBackoff{50};
constexpr std::chrono::seconds kCancelGrace{2};  // from cancelling running exchanges to resetting their connections

std::string turned_away(std::string_view status_line, std::string_view type, std::string_view message) {
    const std::string body = R"({"error":{"message":")" + std::string(message) + R"(","type":")" + std::string(type) +
                             R"(","param":null,"code":"too_many_connections"}})";
    return "HTTP/1.1 " + std::string(status_line) +
           "\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

Listener::Listener(EdgeContext& context, net::io_context& loop, std::size_t loop_index, std::function<void()> on_empty)
    : context_(context),
      loop_(loop),
      loop_index_(loop_index),
      on_empty_(std::move(on_empty)),
      acceptor_(loop.get_executor()),
      backoff_(loop.get_executor()),
      drain_timer_(loop.get_executor()) {}

core::Result<void> Listener::open(net::ip::tcp::endpoint& endpoint) {
    using ReusePort = net::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(net::socket_base::reuse_address(true), error);
    // The loops of this process share the port, but only with each other: the first one binds as a stranger would, so
    // that a port which another process listens on is an error and not half of its connections.
    const bool first = loop_index_ == 0;
    if (!error && first) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.set_option(ReusePort(true), error);
    if (!error && !first) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(4096, error);
    if (!error) endpoint = acceptor_.local_endpoint(error);
    if (error) {
        const std::string advice = error == net::error::address_in_use
                                       ? "; choose another port, or end what listens there"
                                   : error == net::error::access_denied && endpoint.port() < 1024
                                       ? "; ports below 1024 need root or CAP_NET_BIND_SERVICE"
                                       : "";
        return core::Error{.code = core::Errc::Unavailable,
                           .detail = "cannot listen on " + endpoint.address().to_string() + " port " +
                                     std::to_string(endpoint.port()) + ": " + error.message() + advice,
                           .field = "server.listen"};
    }
    return {};
}

void Listener::start() {
    accepting_ = true;
    const auto body = [self = shared_from_this()]() { return self->accept_loop(); };
    net::co_spawn(loop_.get_executor(), body, net::detached);
}

core::awaitable<void> Listener::accept_loop() {
    while (acceptor_.is_open()) {
        error_code error;
        Socket socket = co_await acceptor_.async_accept(net::redirect_error(core::use_awaitable, error));
        if (!acceptor_.is_open()) break;
        if (!error) {
            admit(std::move(socket));
            continue;
        }
        if (error == net::error::connection_aborted) continue;
        // No descriptors or memory: connections wait in the backlog until others have ended.
        context_.counters.accept_errors.fetch_add(1, std::memory_order_relaxed);
        backoff_.expires_after(kAcceptBackoff);
        co_await backoff_.async_wait(net::redirect_error(core::use_awaitable, error));
    }
    accepting_ = false;
    check_empty();
}

void Listener::admit(Socket socket) {
    context_.counters.accepted.fetch_add(1, std::memory_order_relaxed);
    error_code error;
    const auto address = socket.remote_endpoint(error).address();
    if (error) return;
    const auto verdict = context_.caps.enter(address);
    if (verdict != ConnectionCaps::Verdict::Admitted) return turn_away(std::move(socket), verdict);
    std::shared_ptr<Session> session;
    try {
        session = std::make_shared<Session>(context_, loop_, loop_index_, std::move(socket));
        sessions_.insert(session);
        const auto on_end = [self = shared_from_this(), address](Session& ended) {
            self->context_.caps.leave(address);
            self->context_.counters.open.fetch_sub(1, std::memory_order_relaxed);
            self->sessions_.erase(ended.shared_from_this());
            self->check_empty();
        };
        context_.counters.open.fetch_add(1, std::memory_order_relaxed);
        session->start(on_end);
    } catch (const std::bad_alloc&) {
        if (session && sessions_.erase(session) > 0) context_.counters.open.fetch_sub(1, std::memory_order_relaxed);
        context_.caps.leave(address);
        context_.counters.accept_errors.fetch_add(1, std::memory_order_relaxed);
    }
}

// One attempt to say why, without waiting: whoever is over the cap must cost next to nothing.
void Listener::turn_away(Socket socket, ConnectionCaps::Verdict why) {
    const bool everyone = why == ConnectionCaps::Verdict::TooMany;
    auto& counter = everyone ? context_.counters.refused_total_cap : context_.counters.refused_ip_cap;
    counter.fetch_add(1, std::memory_order_relaxed);
    if (context_.tls) return;
    static const std::string kFull = turned_away("503 Service Unavailable", "api_error", "too many connections");
    static const std::string kFullFromHere =
        turned_away("429 Too Many Requests", "rate_limit_error", "too many connections from this address");
    const std::string& answer = everyone ? kFull : kFullFromHere;
    std::array<char, 4096> dropped{};
    static_cast<void>(::recv(socket.native_handle(), dropped.data(), dropped.size(), MSG_DONTWAIT));
    static_cast<void>(::send(socket.native_handle(), answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
    error_code ignored;
    socket.shutdown(Socket::shutdown_send, ignored);
}

// ---- drain ----

void Listener::drain(std::chrono::steady_clock::time_point deadline) {
    drain_deadline_ = deadline;
    error_code ignored;
    acceptor_.close(ignored);
    backoff_.cancel();
    for_each_session(&Session::begin_drain);
    check_empty();
    if (draining_) {
        drain_timer_.cancel();  // the steps look at the new deadline
        return;
    }
    draining_ = true;
    const auto body = [self = shared_from_this()]() { return self->drain_steps(); };
    net::co_spawn(loop_.get_executor(), body, net::detached);
}

core::awaitable<void> Listener::drain_steps() {
    error_code ignored;
    bool cancelled = false;
    while (!empty()) {
        const auto now = std::chrono::steady_clock::now();
        if (now >= drain_deadline_ && !cancelled) {
            cancelled = true;
            for_each_session(&Session::cancel_running);
        }
        if (now >= drain_deadline_ + kCancelGrace) {
            for_each_session(&Session::force);
            break;
        }
        drain_timer_.expires_at(cancelled ? drain_deadline_ + kCancelGrace : drain_deadline_);
        co_await drain_timer_.async_wait(net::redirect_error(core::use_awaitable, ignored));
    }
}

void Listener::for_each_session(void (Session::*step)()) {
    const std::vector<std::shared_ptr<Session>> all(sessions_.begin(), sessions_.end());  // a step may end its session
    for (const auto& session : all) (*session.*step)();
}

void Listener::check_empty() {
    if (!empty() || reported_empty_) return;
    reported_empty_ = true;
    drain_timer_.cancel();
    on_empty_();  // last: the server may be gone after it
}

}  // namespace sluice::gateway
