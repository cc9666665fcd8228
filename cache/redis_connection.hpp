// One connection to Redis while it lasts. Commands are written in order as they come, replies belong to the oldest
// command without one. After the first error it is closed for good and every waiting command fails.
#pragma once

#include "cache/redis_client.hpp"
#include "cache/redis_protocol.hpp"
#include "core/net/dialer.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace sluice::cache {

class RedisConnection : public std::enable_shared_from_this<RedisConnection> {
public:
    // A command on its way. Shared by who waits for it and by the connection, which may have to skip its reply.
    struct Command {
        Command(core::net::io_context& loop, std::string text) : bytes(std::move(text)), done(loop) {}
        std::string bytes;
        core::Timer done;  // cancelled when there is a reply; expires when it is too late for one
        std::optional<core::Result<RedisReply>> reply;
        bool given_up = false;  // nobody waits any more
    };

    RedisConnection(core::net::io_context& loop, std::shared_ptr<const RedisConfig> config,
                    std::shared_ptr<core::net::ssl::context> tls);

    void start();  // connects in the background; the coroutine keeps this object alive until close()
    void send(std::shared_ptr<Command> command);
    void close(const core::Error& why);
    bool closed() const { return closed_; }
    bool connected() const { return stream_ != nullptr; }

private:
    static core::awaitable<void> run(std::shared_ptr<RedisConnection> self);
    core::awaitable<bool> introduce();
    core::awaitable<bool> read_replies();
    core::Result<void> take_replies();
    void write();

    core::net::io_context& loop_;
    std::shared_ptr<const RedisConfig> config_;
    std::shared_ptr<core::net::ssl::context> tls_;
    core::Dialer dialer_;
    std::unique_ptr<core::Stream> stream_;  // null: not connected yet
    RedisReplies replies_;
    std::deque<std::shared_ptr<Command>> unsent_;
    std::deque<std::shared_ptr<Command>> waiting_;  // sent, no reply yet
    std::string writing_;
    bool introduced_ = false;
    bool closed_ = false;
};

}  // namespace sluice::cache
