// One Redis connection of one event loop. hiredis does the protocol, Asio the bytes; commands of concurrent requests
// are pipelined over it. Every call ends within the timeout; a service that does not answer is left alone for a while
// (circuit breaker). After any error on the connection it is closed and made anew by the next command.
#pragma once

#include "cache/circuit_breaker.hpp"
#include "cache/redis_protocol.hpp"
#include "core/async.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

#include <boost/asio/ssl/context.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace sluice::cache {

struct RedisConfig {
    std::string host = "127.0.0.1";
    std::uint16_t port = 6379;
    std::string user = {};       // empty: the default user
    core::Secret password = {};  // empty: no AUTH
    int database = 0;
    bool tls = false;
    std::filesystem::path ca_file = {};     // more certificates to trust, beside the system's
    std::chrono::milliseconds timeout{25};  // of one command, connecting included
    std::size_t max_reply_bytes = std::size_t{8} << 20;
    int failures_to_open = 3;
    std::chrono::milliseconds rest{5000};  // how long an open breaker spares the service
};

// redis://[user:password@]host[:port][/database], rediss:// for TLS. Errors: InvalidRequest, without the password.
core::Result<RedisConfig> parse_redis_url(const core::Secret& url);

class RedisConnection;  // redis_connection.hpp

class RedisClient {
public:
    // Connects with the first command. Throws std::runtime_error when `ca_file` cannot be read.
    RedisClient(core::net::io_context& loop, RedisConfig config);
    RedisClient(const RedisClient&) = delete;
    RedisClient& operator=(const RedisClient&) = delete;
    ~RedisClient();

    // An error reply (OOM, WRONGTYPE) is a reply. Errors: Timeout, Unavailable (down, refused, breaker open), Corrupt
    // (not the Redis protocol), Cancelled. Arguments are copied before the first suspension.
    core::awaitable<core::Result<RedisReply>> command(std::span<const std::string_view> arguments);

    bool resting() const { return breaker_.open(); }

private:
    core::net::io_context& loop_;
    std::shared_ptr<const RedisConfig> config_;
    std::shared_ptr<core::net::ssl::context> tls_;  // null: plain
    std::shared_ptr<RedisConnection> connection_;
    CircuitBreaker breaker_;
};

}  // namespace sluice::cache
