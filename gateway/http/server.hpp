// The HTTP edge: accepts connections on every event loop, speaks strict HTTP/1.1 (plain or TLS) and calls route
// handlers. Handlers run on the loop of their connection. Configuration errors are values; nothing a client sends ends
// the process.
#pragma once

#include "core/result.hpp"
#include "gateway/http/event_loops.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/http/limits.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::gateway {

struct TlsFiles {
    std::string certificate_chain;  // path of a PEM file: the server's certificate first
    std::string private_key;        // path of a PEM file
};

struct ServerConfig {
    std::string address = "127.0.0.1";  // numeric IPv4 or IPv6
    std::uint16_t port = 8080;          // 0: any free port, see Server::port()
    std::optional<TlsFiles> tls;
    std::size_t max_connections = 20'000;
    std::size_t max_connections_per_ip = 0;  // 0: no cap of its own
    std::vector<std::string> allowed_hosts;  // names (no port) a Host field may carry; empty: any
    HttpLimits limits;
    HttpTimeouts timeouts;
};

// Counted by all loops; read by /metrics. Monotonic except `open` and `running`.
struct ServerCounters {
    std::atomic<std::int64_t> open{0};     // connections now
    std::atomic<std::int64_t> running{0};  // requests inside a handler now
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> refused_total_cap{0};
    std::atomic<std::uint64_t> refused_ip_cap{0};
    std::atomic<std::uint64_t> accept_errors{0};  // EMFILE and its kin
    std::atomic<std::uint64_t> handshake_errors{0};
    std::atomic<std::uint64_t> requests{0};   // request heads that were well-formed
    std::atomic<std::uint64_t> malformed{0};  // refused before a route was looked up
    std::atomic<std::uint64_t> timeouts{0};
    std::atomic<std::uint64_t> clients_gone{0};           // went away while a handler ran
    std::array<std::atomic<std::uint64_t>, 6> answers{};  // by status class: [2] counts 2xx
};

class Server {
public:
    // `loops` and `authenticator` outlive the server; so does everything the routes' handlers refer to.
    Server(ServerConfig config, EventLoops& loops, std::vector<Route> routes, const Authenticator& authenticator);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();  // drain(0) and join()

    // Loads the certificate, binds one listening socket per loop and starts accepting (once the loops run). Call once.
    core::Result<void> start();
    std::uint16_t port() const;  // the bound port, after start()

    // Thread-safe, returns at once, may be repeated to shorten the limit. Stops listening, closes idle connections,
    // lets running exchanges finish for up to `limit`; then their pending operation is cancelled while client_gone()
    // stays false, so that the handler can still send an error event. Whoever has not ended 2 s after that loses the
    // connection.
    void drain(std::chrono::milliseconds limit);
    // Blocks until every connection has ended after drain(). False: a handler did not return within 5 s after the
    // limit.
    bool join();
    bool draining() const;

    const ServerCounters& counters() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::gateway
