// What all connections of a server share: immutable settings, routes, counters, the TLS context and the caps.
#pragma once

#include "gateway/http/router_table.hpp"
#include "gateway/http/server.hpp"

#include <boost/asio/ip/address.hpp>
#include <openssl/ssl.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

namespace sluice::gateway {

struct SslContextFree {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextFree>;

// TLS 1.2 and 1.3, forward-secret AEAD ciphers, no renegotiation, no compression, no tickets; ALPN http/1.1.
core::Result<SslContext> make_server_tls(const TlsFiles& files);

// Connections per client (an IPv4 address or an IPv6 /64) and in all. Thread-safe; touched once per connection and
// side.
class ConnectionCaps {
public:
    ConnectionCaps(std::size_t total, std::size_t per_ip) : total_(total), per_ip_(per_ip) {}
    enum class Verdict { Admitted, TooMany, TooManyFromHere };
    Verdict enter(const core::net::ip::address& address);  // Admitted: leave() follows
    void leave(const core::net::ip::address& address);

private:
    const std::size_t total_;
    const std::size_t per_ip_;  // 0: no cap
    std::mutex mutex_;
    std::size_t open_ = 0;
    std::map<core::net::ip::address, std::size_t> by_ip_;
};

struct EdgeContext {
    EdgeContext(ServerConfig settings, std::vector<Route> route_list, const Authenticator& checker)
        : config(std::move(settings)),
          routes(std::move(route_list)),
          authenticator(checker),
          caps(config.max_connections, config.max_connections_per_ip) {}

    const ServerConfig config;
    const RouterTable routes;
    const Authenticator& authenticator;
    SslContext tls;  // null: plain; set before the first connection
    ConnectionCaps caps;
    ServerCounters counters;
};

}  // namespace sluice::gateway
