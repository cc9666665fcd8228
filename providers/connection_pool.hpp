// Keep-alive connections to one upstream, on one event loop: no locks. Bounded in number; the most recently used is
// taken first, and what is unused for long or was closed by the other side is dropped. When all are busy, callers wait
// their turn.
#pragma once

#include "core/deadline.hpp"
#include "core/net/dialer.hpp"
#include "core/result.hpp"
#include "providers/limits.hpp"
#include "providers/response_parser.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace sluice::providers {

// A connection and what belongs to the answer being read from it.
struct Connection {
    explicit Connection(std::unique_ptr<core::Stream> opened) : stream(std::move(opened)) {}

    std::unique_ptr<core::Stream> stream;
    boost::beast::flat_buffer buffer{kMaxHeaderBytes};
    std::optional<ResponseParser> parser;
    bool reused = false;  // has served a request before
    core::Deadline::Clock::time_point idle_since{};
};

class ConnectionPool : public std::enable_shared_from_this<ConnectionPool>, private core::Timeouts::Entry {
    // A place among the allowed connections; given back when destroyed.
    class Slot {
    public:
        Slot() = default;
        explicit Slot(std::shared_ptr<ConnectionPool> pool) : pool_(std::move(pool)) {}
        Slot(Slot&&) noexcept = default;
        Slot& operator=(Slot&& other) noexcept;
        ~Slot();

    private:
        friend class ConnectionPool;
        std::shared_ptr<ConnectionPool> pool_;  // a lease may outlive the client that made it, in a stopped loop
    };

public:
    // A connection on loan. Destroying it closes the connection at once: an answer nobody waits for is not paid for.
    class Lease {
    public:
        Lease() = default;
        Connection& operator*() const { return *connection_; }
        Connection* operator->() const { return connection_.get(); }
        // The answer was read to its end and both sides keep the connection open.
        void keep();

    private:
        friend class ConnectionPool;
        Lease(Slot slot, std::unique_ptr<Connection> connection)
            : slot_(std::move(slot)), connection_(std::move(connection)) {}
        Slot slot_;
        std::unique_ptr<Connection> connection_;
    };
    enum class Take { Any, Fresh };

    ConnectionPool(core::net::io_context& loop, core::Dialer dialer, UpstreamTimeouts timeouts, int max_connections);

    // An idle connection, where one is and may be taken.
    std::optional<Lease> at_once(Take take);
    // Errors: Timeout, UpstreamFailed (cannot connect, certificate refused), Unavailable (all connections busy),
    // Cancelled.
    core::awaitable<core::Result<Lease>> acquire(Take take, core::Deadline deadline);

    std::size_t idle() const { return idle_.size(); }
    int open() const { return open_; }

private:
    std::unique_ptr<Connection> take_idle();
    core::awaitable<core::Result<void>> wait_for_turn(core::Deadline deadline);
    void wake_one();
    void on_deadline() override;  // closes what was unused for too long

    core::net::io_context& loop_;
    core::Dialer dialer_;
    UpstreamTimeouts timeouts_;
    int max_connections_;
    int open_ = 0;                                   // on loan, being opened, and idle
    std::vector<std::unique_ptr<Connection>> idle_;  // longest unused first
    std::deque<core::Timer*> waiting_;               // longest waiting first
};

}  // namespace sluice::providers
