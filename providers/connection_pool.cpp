#include "providers/connection_pool.hpp"

#include "providers/connection_error.hpp"

#include <boost/asio/redirect_error.hpp>
#include <sys/socket.h>

#include <algorithm>

namespace sluice::providers {

namespace {

namespace net = core::net;
using core::Errc;
using core::Error;
using core::Result;
using Clock = core::Deadline::Clock;

// Nothing may come on an unused connection: bytes belong to nobody, and the end of it makes it useless.
bool quiet(core::Stream& stream) {
    char byte = 0;
    const auto got = ::recv(stream.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace

ConnectionPool::Slot& ConnectionPool::Slot::operator=(Slot&& other) noexcept {
    std::swap(pool_, other.pool_);
    return *this;
}

ConnectionPool::Slot::~Slot() {
    if (!pool_) return;
    --pool_->open_;
    pool_->wake_one();
}

void ConnectionPool::Lease::keep() {
    ConnectionPool& pool = *slot_.pool_;
    connection_->parser.reset();
    connection_->reused = true;
    connection_->idle_since = Clock::now();
    connection_->stream->expires_never();
    if (pool.idle_.empty()) pool.expires_at(connection_->idle_since + pool.timeouts_.keep_alive);
    pool.idle_.push_back(std::move(connection_));
    pool.wake_one();
    slot_.pool_.reset();  // the place stays taken by the idle connection
}

ConnectionPool::ConnectionPool(net::io_context& loop, core::Dialer dialer, UpstreamTimeouts timeouts,
                               int max_connections)
    : Entry(core::Timeouts::of(loop)),
      loop_(loop),
      dialer_(std::move(dialer)),
      timeouts_(timeouts),
      max_connections_(std::max(1, max_connections)) {}

std::optional<ConnectionPool::Lease> ConnectionPool::at_once(Take take) {
    if (take == Take::Fresh) return std::nullopt;
    auto connection = take_idle();
    if (!connection) return std::nullopt;
    return Lease(Slot(shared_from_this()), std::move(connection));
}

core::awaitable<Result<ConnectionPool::Lease>> ConnectionPool::acquire(Take take, core::Deadline deadline) {
    for (;;) {
        if (auto lease = at_once(take)) co_return std::move(*lease);
        if (open_ >= max_connections_ && !idle_.empty()) {  // room for a fresh one
            idle_.erase(idle_.begin());
            --open_;
        }
        if (open_ < max_connections_) break;
        if (auto waited = co_await wait_for_turn(deadline); !waited) co_return waited.error();
    }
    ++open_;
    Slot slot(shared_from_this());
    auto dialed = co_await dialer_.dial({.connect = timeouts_.connect, .handshake = timeouts_.handshake}, deadline);
    if (!dialed.stream) co_return dial_error(dialed);
    co_return Lease(std::move(slot), std::make_unique<Connection>(std::move(dialed.stream)));
}

std::unique_ptr<Connection> ConnectionPool::take_idle() {
    while (!idle_.empty()) {
        auto connection = std::move(idle_.back());
        idle_.pop_back();
        if (quiet(*connection->stream)) return connection;
        --open_;
    }
    return nullptr;
}

// As long as connecting may take: then the upstream has more work than it can do.
core::awaitable<Result<void>> ConnectionPool::wait_for_turn(core::Deadline deadline) {
    const auto self = shared_from_this();
    struct Turn {
        ConnectionPool& pool;
        core::Timer timer;
        ~Turn() { std::erase(pool.waiting_, &timer); }
    };
    Turn turn{*this, core::Timer{loop_.get_executor(), deadline.within(timeouts_.connect).at()}};
    waiting_.push_back(&turn.timer);
    boost::system::error_code woken;
    co_await turn.timer.async_wait(net::redirect_error(core::use_awaitable, woken));
    const bool my_turn = std::find(waiting_.begin(), waiting_.end(), &turn.timer) == waiting_.end();
    if (my_turn) co_return Result<void>{};
    if (woken) co_return cancelled();
    co_return Error{Errc::Unavailable, "all connections to the upstream are busy"};
}

void ConnectionPool::wake_one() {
    if (waiting_.empty()) return;
    core::Timer* const timer = waiting_.front();
    waiting_.pop_front();
    timer->cancel();
}

void ConnectionPool::on_deadline() {
    const auto oldest_kept = Clock::now() - timeouts_.keep_alive;
    const auto first_kept = std::find_if(idle_.begin(), idle_.end(),
                                         [&](const auto& connection) { return connection->idle_since > oldest_kept; });
    open_ -= static_cast<int>(first_kept - idle_.begin());
    idle_.erase(idle_.begin(), first_kept);
    if (!idle_.empty()) expires_at(idle_.front()->idle_since + timeouts_.keep_alive);
}

}  // namespace sluice::providers
