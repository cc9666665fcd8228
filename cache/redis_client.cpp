#include "cache/redis_client.hpp"

#include <hiredis.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <deque>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "core/net/stream.hpp"

namespace sluice::cache {

namespace {

namespace net = core::net;
using core::Errc;
using core::Error;
using core::Result;
using Resolver = net::ip::basic_resolver<net::ip::tcp, core::Executor>;

Error unavailable(std::string detail) { return {.code = Errc::Unavailable, .detail = std::move(detail)}; }

std::string format_command(std::span<const std::string_view> words) {
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const auto word : words) {
        texts.push_back(word.data());
        sizes.push_back(word.size());
    }
    char* formatted = nullptr;
    const auto size = redisFormatCommandArgv(&formatted, static_cast<int>(words.size()), texts.data(), sizes.data());
    if (size < 0) throw std::bad_alloc();
    std::string out(formatted, static_cast<std::size_t>(size));
    redisFreeCommand(formatted);
    return out;
}

Result<RedisReply> convert(const redisReply& reply) {
    switch (reply.type) {
        case REDIS_REPLY_NIL: return RedisReply{};
        case REDIS_REPLY_STATUS:
        case REDIS_REPLY_STRING: return RedisReply{.kind = RedisReply::Kind::Text, .text = std::string(reply.str, static_cast<std::size_t>(reply.len))};
        case REDIS_REPLY_INTEGER: return RedisReply{.kind = RedisReply::Kind::Integer, .text = {}, .integer = reply.integer};
        case REDIS_REPLY_ERROR: return unavailable("Redis answered with an error");  // its text may quote what we sent
        default: return RedisReply{.kind = RedisReply::Kind::Other, .text = {}};
    }
}

}  // namespace

// One connection until its first error. Commands wait in order; run() connects, reads and answers them; when it ends,
// everything that still waits is told so.
class RedisClient::Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(net::io_context& loop, std::shared_ptr<const RedisConfig> config, net::ssl::context* tls)
        : loop_(loop), config_(std::move(config)), stream_(core::Socket{loop}, tls), wake_(loop, core::Timer::time_point::max()) {}
    ~Connection() { close(Error{Errc::Cancelled, "the client is gone"}); }

    bool closed() const { return closed_; }

    void start() {
        if (!config_->password.empty()) {
            std::vector<std::string_view> words{"AUTH"};
            if (!config_->user.empty()) words.emplace_back(config_->user);
            words.emplace_back(config_->password.expose());
            greet(words);
        }
        const std::string database = std::to_string(config_->database);
        if (config_->database != 0) greet(std::vector<std::string_view>{"SELECT", database});
        net::co_spawn(loop_, run(shared_from_this()), net::detached);
    }

    core::awaitable<Result<RedisReply>> command(std::string bytes) {
        const auto self = shared_from_this();
        auto waiting = std::make_shared<Waiting>(loop_, config_->timeout);
        enqueue(std::move(bytes), waiting);
        core::error_code ended;
        co_await waiting->timer.async_wait(net::redirect_error(core::use_awaitable, ended));
        if (waiting->reply) co_return std::move(*waiting->reply);
        waiting->abandoned = true;
        if (ended) co_return Error{Errc::Cancelled, "cancelled"};
        const Error late{Errc::Timeout, "Redis did not answer in time"};
        close(late);  // the replies that are still to come would be taken for those of later commands
        co_return late;
    }

    void close(const Error& why) {
        if (closed_) return;
        closed_ = true;
        stream_.close();
        wake_.cancel();
        for (auto& waiting : std::exchange(waiting_, {})) answer(*waiting, why);
    }

private:
    struct Waiting {
        Waiting(net::io_context& loop, std::chrono::milliseconds timeout) : timer(loop, timeout) {}
        core::Timer timer;
        std::optional<Result<RedisReply>> reply;
        bool abandoned = false;
        bool greeting = false;
    };
    struct FreeReader {
        void operator()(redisReader* reader) const { redisReaderFree(reader); }
    };

    static void answer(Waiting& waiting, Result<RedisReply> reply) {
        if (waiting.reply) return;
        waiting.reply = std::move(reply);
        waiting.timer.cancel();
    }

    void greet(std::span<const std::string_view> words) {
        auto waiting = std::make_shared<Waiting>(loop_, config_->timeout);
        waiting->greeting = true;
        enqueue(format_command(words), waiting);
    }

    void enqueue(std::string bytes, std::shared_ptr<Waiting> waiting) {
        out_ += bytes;
        waiting_.push_back(std::move(waiting));
        wake_.cancel();
    }

    static core::awaitable<void> run(std::shared_ptr<Connection> self) {
        if (auto connected = co_await self->connect(); !connected) {
            self->close(connected.error());
            co_return;
        }
        net::co_spawn(self->loop_, write(self), net::detached);
        const auto ended = co_await self->read();
        self->close(ended.error());
    }

    core::awaitable<Result<void>> connect() {
        core::error_code error;
        Resolver resolver{loop_};
        const auto found = co_await resolver.async_resolve(config_->host, std::to_string(config_->port), net::redirect_error(core::use_awaitable, error));
        if (error || closed_) co_return unavailable("Redis: its name cannot be resolved");
        co_await net::async_connect(stream_.socket(), found, net::redirect_error(core::use_awaitable, error));
        if (error || closed_) co_return unavailable("Redis refused the connection");
        stream_.set_no_delay();
        if (stream_.tls() && co_await stream_.handshake_client(config_->host)) co_return unavailable("Redis: the TLS handshake failed");
        if (closed_) co_return unavailable("closed");
        co_return Result<void>{};
    }

    static core::awaitable<void> write(std::shared_ptr<Connection> self) {
        std::string sending;
        core::error_code error;
        while (!self->closed_) {
            if (self->out_.empty()) {
                self->wake_.expires_at(core::Timer::time_point::max());
                co_await self->wake_.async_wait(net::redirect_error(core::use_awaitable, error));
                continue;
            }
            sending.clear();
            sending.swap(self->out_);
            co_await net::async_write(self->stream_, net::buffer(sending), net::redirect_error(core::use_awaitable, error));
            if (error) self->close(unavailable("Redis: the connection broke"));
        }
    }

    // Always ends with an error.
    core::awaitable<Result<void>> read() {
        const std::unique_ptr<redisReader, FreeReader> reader{redisReaderCreate()};
        std::array<char, 16384> buffer{};
        std::size_t unanswered_bytes = 0;
        while (true) {
            core::error_code error;
            const auto size = co_await stream_.async_read_some(net::buffer(buffer), net::redirect_error(core::use_awaitable, error));
            if (error || closed_) co_return unavailable("Redis closed the connection");
            unanswered_bytes += size;
            if (unanswered_bytes > config_->max_reply_bytes) co_return Error{Errc::Corrupt, "a reply of Redis is too long"};
            if (redisReaderFeed(reader.get(), buffer.data(), size) != REDIS_OK) co_return Error{Errc::Corrupt, "Redis: not its protocol"};
            while (true) {
                void* raw = nullptr;
                if (redisReaderGetReply(reader.get(), &raw) != REDIS_OK) co_return Error{Errc::Corrupt, "Redis: not its protocol"};
                if (raw == nullptr) break;
                unanswered_bytes = 0;
                const auto reply = convert(*static_cast<redisReply*>(raw));
                freeReplyObject(raw);
                if (waiting_.empty()) co_return Error{Errc::Corrupt, "Redis answered what was not asked"};
                const auto waiting = waiting_.front();
                waiting_.pop_front();
                answer(*waiting, reply);
                if (waiting->greeting && !reply) co_return unavailable("Redis refused the password or the database");
            }
        }
    }

    net::io_context& loop_;
    std::shared_ptr<const RedisConfig> config_;
    core::Stream stream_;
    core::Timer wake_;  // cancelled to say that there is something to write
    std::string out_;
    std::deque<std::shared_ptr<Waiting>> waiting_;
    bool closed_ = false;
};

RedisClient::RedisClient(net::io_context& loop, RedisConfig config)
    : loop_(loop), config_(std::make_shared<const RedisConfig>(std::move(config))), breaker_(config_->failures_to_open, config_->rest) {
    if (!config_->tls) return;
    auto context = std::make_shared<net::ssl::context>(net::ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
    context->set_default_verify_paths();
    core::error_code error;
    if (!config_->ca_file.empty()) context->load_verify_file(config_->ca_file.string(), error);
    if (error) throw std::runtime_error("redis ca_file cannot be read: " + config_->ca_file.string());
    tls_ = context;
}

RedisClient::~RedisClient() {
    if (connection_) connection_->close(Error{Errc::Cancelled, "the client is gone"});
}

core::awaitable<Result<RedisReply>> RedisClient::command(std::span<const std::string_view> arguments) {
    std::string bytes = format_command(arguments);
    if (!breaker_.admits()) co_return unavailable("Redis is left alone for a while");
    if (!connection_ || connection_->closed()) {
        connection_ = std::make_shared<Connection>(loop_, config_, static_cast<net::ssl::context*>(tls_.get()));
        connection_->start();
    }
    const auto connection = connection_;
    auto reply = co_await connection->command(std::move(bytes));
    if (reply || !connection->closed()) breaker_.succeeded();
    else if (reply.error().code != Errc::Cancelled) breaker_.failed();
    co_return reply;
}

}  // namespace sluice::cache
