// The part of a server that lives on one loop: its listening socket, its sessions, and the steps of draining them.
// Everything but the constructor and open() runs on the loop.
#pragma once

#include "gateway/http/edge_context.hpp"
#include "gateway/http/session.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <memory>
#include <unordered_set>

namespace sluice::gateway {

class Listener : public std::enable_shared_from_this<Listener> {
public:
    Listener(EdgeContext& context, core::net::io_context& loop, std::size_t loop_index, std::function<void()> on_empty);

    // SO_REUSEPORT: the kernel spreads connections over the loops. `endpoint` is updated with the port that was bound.
    core::Result<void> open(core::net::ip::tcp::endpoint& endpoint);
    void start();  // any thread

    // Stops accepting at once; see Server::drain() for the rest. Repeated calls move the deadline.
    void drain(std::chrono::steady_clock::time_point deadline);
    bool empty() const { return !accepting_ && sessions_.empty(); }

private:
    using Acceptor = core::net::basic_socket_acceptor<core::net::ip::tcp, core::Executor>;

    core::awaitable<void> accept_loop();
    void admit(Socket socket);
    void turn_away(Socket socket, ConnectionCaps::Verdict why);
    core::awaitable<void> drain_steps();
    void for_each_session(void (Session::*step)());
    void check_empty();

    EdgeContext& context_;
    core::net::io_context& loop_;
    const std::size_t loop_index_;
    std::function<void()> on_empty_;
    Acceptor acceptor_;
    core::Timer backoff_;
    core::Timer drain_timer_;
    std::chrono::steady_clock::time_point drain_deadline_;
    std::unordered_set<std::shared_ptr<Session>> sessions_;
    bool accepting_ = false;
    bool draining_ = false;
    bool reported_empty_ = false;
};

}  // namespace sluice::gateway
