#include "cache/redis_connection.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <vector>

namespace sluice::cache {

namespace {

namespace net = core::net;
using core::Errc;
using core::Error;
using core::Result;

// Longer than a command may wait: a connection that is slow to open serves later commands.
constexpr std::chrono::milliseconds kConnectFor{1'000};

Error lost() {
    return {Errc::Unavailable, "the connection to Redis is lost"};
}

}  // namespace

RedisConnection::RedisConnection(net::io_context& loop, std::shared_ptr<const RedisConfig> config,
                                 std::shared_ptr<net::ssl::context> tls)
    : loop_(loop),
      config_(std::move(config)),
      tls_(std::move(tls)),
      dialer_(loop, config_->host, config_->port, tls_.get()),
      replies_(config_->max_reply_bytes) {}

void RedisConnection::start() {
    net::co_spawn(loop_.get_executor(), run(shared_from_this()), net::detached);
}

core::awaitable<void> RedisConnection::run(std::shared_ptr<RedisConnection> self) {
    const core::DialTimes times{.connect = kConnectFor, .handshake = kConnectFor};
    auto dialed = co_await self->dialer_.dial(times, core::Deadline::after(2 * kConnectFor));
    if (self->closed_) co_return;
    if (!dialed.stream) {
        self->close({Errc::Unavailable, "Redis cannot be reached: " + dialed.error.message()});
        co_return;
    }
    self->stream_ = std::move(dialed.stream);
    if (co_await self->introduce()) {
        self->introduced_ = true;
        self->write();
        while (co_await self->read_replies()) {
        }
    }
    self->close(lost());
}

// AUTH and SELECT, before anything else.
core::awaitable<bool> RedisConnection::introduce() {
    std::vector<std::string_view> auth{"AUTH"};
    if (!config_->user.empty()) auth.push_back(config_->user);
    auth.push_back(config_->password.expose());
    const std::string database = std::to_string(config_->database);
    const std::array<std::string_view, 2> select{"SELECT", database};
    for (const bool first : {true, false}) {
        if (first ? config_->password.empty() : config_->database == 0) continue;
        const std::span<const std::string_view> words = first ? std::span<const std::string_view>(auth) : select;
        auto command = std::make_shared<Command>(loop_, format_command(words));
        core::error_code error;
        co_await net::async_write(*stream_, net::buffer(command->bytes),
                                  net::redirect_error(core::use_awaitable, error));
        if (error || closed_) co_return false;
        waiting_.push_back(command);
        while (!command->reply)
            if (!co_await read_replies()) co_return false;
        const bool accepted = command->reply->has_value() && (*command->reply)->kind == RedisReply::Kind::Text;
        if (!accepted) {
            close({Errc::Unavailable, first ? "Redis refuses the password" : "Redis refuses the database"});
            co_return false;
        }
    }
    co_return !closed_;
}

// False: the connection is over.
core::awaitable<bool> RedisConnection::read_replies() {
    std::array<char, 16384> bytes;
    core::error_code error;
    const auto size =
        co_await stream_->async_read_some(net::buffer(bytes), net::redirect_error(core::use_awaitable, error));
    if (closed_ || error) co_return false;
    auto taken = replies_.feed({bytes.data(), size});
    if (taken) taken = take_replies();
    if (!taken) close(taken.error());
    co_return !closed_;
}

Result<void> RedisConnection::take_replies() {
    for (;;) {
        auto reply = replies_.next();
        if (!reply) return reply.error();
        if (!*reply) return {};
        if (waiting_.empty()) return Error{Errc::Corrupt, "Redis sent a reply that nobody asked for"};
        const auto command = std::move(waiting_.front());
        waiting_.pop_front();
        command->reply.emplace(std::move(**reply));
        command->done.cancel();
    }
}

void RedisConnection::send(std::shared_ptr<Command> command) {
    unsent_.push_back(std::move(command));
    write();
}

// Everything unsent in one write; what comes meanwhile goes with the next.
void RedisConnection::write() {
    if (!introduced_ || closed_ || !writing_.empty()) return;
    for (; !unsent_.empty(); unsent_.pop_front()) {
        if (unsent_.front()->given_up) continue;
        writing_ += unsent_.front()->bytes;
        waiting_.push_back(std::move(unsent_.front()));
    }
    if (writing_.empty()) return;
    net::async_write(*stream_, net::buffer(writing_),
                     [self = shared_from_this()](const core::error_code& error, std::size_t) {
                         self->writing_.clear();
                         if (error) return self->close(lost());
                         self->write();
                     });
}

void RedisConnection::close(const Error& why) {
    if (closed_) return;
    closed_ = true;
    if (stream_) stream_->close();
    for (auto* const queue : {&waiting_, &unsent_}) {
        for (const auto& command : *queue) {
            if (!command->reply) command->reply.emplace(why);
            command->done.cancel();
        }
        queue->clear();
    }
}

}  // namespace sluice::cache
