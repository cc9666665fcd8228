#include "gateway/http/server.hpp"

#include "gateway/http/edge_context.hpp"
#include "gateway/http/listener.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace sluice::gateway {

namespace net = core::net;
using Clock = std::chrono::steady_clock;

namespace {

// After the limit: 2 s in which cancelled handlers may say goodbye, then their connections are reset, and 3 s to
// return.
constexpr std::chrono::seconds kJoinGrace{5};

}  // namespace

class Server::Impl {
public:
    Impl(ServerConfig config, EventLoops& loops, std::vector<Route> routes, const Authenticator& authenticator)
        : loops_(loops), context_(std::make_shared<EdgeContext>(std::move(config), std::move(routes), authenticator)) {}

    core::Result<void> start();
    void drain(std::chrono::milliseconds limit);
    bool join();

    std::uint16_t port() const { return port_; }
    bool draining() const { return draining_.load(std::memory_order_relaxed); }
    bool started() const { return !listeners_.empty(); }
    EdgeContext& context() { return *context_; }

private:
    void on_empty();

    EventLoops& loops_;
    std::shared_ptr<EdgeContext> context_;
    std::vector<std::shared_ptr<Listener>> listeners_;
    std::uint16_t port_ = 0;
    std::atomic<bool> draining_{false};
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t running_ = 0;  // listeners that are not empty yet
    Clock::time_point drain_deadline_ = Clock::time_point::max();
};

core::Result<void> Server::Impl::start() {
    const ServerConfig& config = context_->config;
    if (config.tls) {
        auto tls = make_server_tls(*config.tls);
        if (!tls) return tls.error();
        context_->tls = std::move(*tls);
    }
    boost::system::error_code error;
    const auto address = net::ip::make_address(config.address, error);
    if (error) {
        return core::Error{.code = core::Errc::InvalidRequest,
                           .detail = "not an IP address: " + config.address,
                           .field = "server.listen"};
    }
    net::ip::tcp::endpoint endpoint(address, config.port);
    for (std::size_t loop = 0; loop < loops_.size(); ++loop) {
        auto listener = std::make_shared<Listener>(*context_, loops_.at(loop), loop, [this] { on_empty(); });
        if (auto opened = listener->open(endpoint); !opened) {
            listeners_.clear();
            return opened.error();
        }
        listeners_.push_back(std::move(listener));
    }
    port_ = endpoint.port();
    running_ = listeners_.size();
    for (const auto& listener : listeners_) listener->start();
    return {};
}

void Server::Impl::drain(std::chrono::milliseconds limit) {
    draining_.store(true, std::memory_order_relaxed);
    Clock::time_point deadline;
    {
        const std::lock_guard lock(mutex_);
        drain_deadline_ = std::min(drain_deadline_, Clock::now() + limit);
        deadline = drain_deadline_;
    }
    changed_.notify_all();
    for (std::size_t loop = 0; loop < listeners_.size(); ++loop) {
        const auto step = [listener = listeners_[loop], deadline] { listener->drain(deadline); };
        net::post(loops_.at(loop), step);
    }
}

bool Server::Impl::join() {
    std::unique_lock lock(mutex_);
    while (running_ > 0) {
        const auto until = drain_deadline_ == Clock::time_point::max() ? Clock::now() + std::chrono::hours(1)
                                                                       : drain_deadline_ + kJoinGrace;
        if (Clock::now() >= until) {
            spdlog::error("http: a handler did not return after it was cancelled");
            return false;
        }
        changed_.wait_until(lock, until);
    }
    return true;
}

void Server::Impl::on_empty() {
    const std::lock_guard lock(mutex_);
    if (running_ > 0) --running_;
    changed_.notify_all();
}

Server::Server(ServerConfig config, EventLoops& loops, std::vector<Route> routes, const Authenticator& authenticator)
    : impl_(std::make_unique<Impl>(std::move(config), loops, std::move(routes), authenticator)) {}

Server::~Server() {
    if (!impl_->started()) return;
    drain(std::chrono::milliseconds(0));
    // A handler that never returns would come back to objects that are gone: leaked, the process is ending.
    if (!join()) static_cast<void>(impl_.release());
}

core::Result<void> Server::start() {
    return impl_->start();
}
std::uint16_t Server::port() const {
    return impl_->port();
}
void Server::drain(std::chrono::milliseconds limit) {
    impl_->drain(limit);
}
bool Server::join() {
    return impl_->join();
}
bool Server::draining() const {
    return impl_->draining();
}
const ServerCounters& Server::counters() const {
    return impl_->context().counters;
}

}  // namespace sluice::gateway
