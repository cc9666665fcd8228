#include "cache/redis_client.hpp"

#include "cache/redis_connection.hpp"
#include "core/net/client_tls.hpp"

#include <boost/asio/redirect_error.hpp>

#include <stdexcept>

namespace sluice::cache {

namespace net = core::net;
using core::Errc;
using core::Error;
using core::Result;

RedisClient::RedisClient(net::io_context& loop, RedisConfig config)
    : loop_(loop),
      config_(std::make_shared<const RedisConfig>(std::move(config))),
      breaker_(config_->failures_to_open, config_->rest) {
    if (!config_->tls) return;
    auto tls = core::make_client_tls(config_->ca_file);
    if (!tls) throw std::runtime_error("redis " + core::describe(tls.error()));
    tls_ = std::move(*tls);
}

RedisClient::~RedisClient() {
    if (connection_) connection_->close({Errc::Cancelled, "the Redis client was closed"});
}

core::awaitable<Result<RedisReply>> RedisClient::command(std::span<const std::string_view> arguments) {
    using Command = RedisConnection::Command;
    if (!breaker_.admits()) co_return Error{Errc::Unavailable, "Redis did not answer and is left alone for a while"};
    if (!connection_ || connection_->closed()) {
        connection_ = std::make_shared<RedisConnection>(loop_, config_, tls_);
        connection_->start();
    }
    const auto connection = connection_;
    const auto command = std::make_shared<Command>(loop_, format_command(arguments));
    command->done.expires_after(config_->timeout);
    connection->send(command);

    core::error_code woken;
    co_await command->done.async_wait(net::redirect_error(core::use_awaitable, woken));
    if (command->reply) {
        if (command->reply->has_value()) breaker_.succeeded();
        else breaker_.failed();
        co_return std::move(*command->reply);
    }
    command->given_up = true;
    if (woken) co_return Error{Errc::Cancelled, "the client closed its connection"};  // the reply will be skipped
    breaker_.failed();
    const Error late{Errc::Timeout, "Redis did not answer in time"};
    // A server that is silent once will be so for those behind; one that is still being connected to gets its chance.
    if (connection->connected()) connection->close(late);
    co_return late;
}

}  // namespace sluice::cache
