// The Redis cache against a real redis-server, and against servers that are down, silent or something else.
#include "cache/redis_cache.hpp"

#include "cache/memory_cache.hpp"
#include "cache/tiered_cache.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/scripted_upstream.hpp"
#include "tests/unit/cache/keys.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace sluice::cache {
namespace {

using sluice::testing::RedisServer;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

#define SKIP_WITHOUT_REDIS() \
    if (!RedisServer::installed()) GTEST_SKIP() << "NO redis-server ON THIS MACHINE: the Redis cache is not tested"

CachedReply cloud_reply(const std::string& body) {
    return {.body = body, .usage = {.prompt = 3, .completion = 4}, .target = "deepseek/x", .zone = core::Zone::Cloud};
}

const core::Secret& secret() {
    static const core::Secret value("cache secret");
    return value;
}

// Long enough for a busy machine; tests of the timeout itself take the real one.
RedisConfig config_of(std::uint16_t port, milliseconds timeout = milliseconds(2'000)) {
    RedisConfig config;
    config.port = port;
    config.timeout = timeout;
    return config;
}

struct Fixture {
    explicit Fixture(RedisConfig config) : cache(loop, std::move(config), secret(), seconds(100)) {}
    std::optional<CachedReply> find(const Key& k) { return run(loop, cache.find(k)); }
    void store(const Key& k, CachedReply reply) { run(loop, cache.store(k, std::move(reply))); }

    core::net::io_context loop{1};
    RedisCache cache;
};

TEST(RedisCache, AnswersAreFoundByOtherReplicasWithTheSameSecret) {
    SKIP_WITHOUT_REDIS();
    RedisServer server;
    Fixture one(config_of(server.port()));
    Fixture two(config_of(server.port()));
    EXPECT_EQ(one.find(key("a")), std::nullopt);
    one.store(key("a"), cloud_reply("A"));
    EXPECT_EQ(one.find(key("a")), cloud_reply("A"));
    EXPECT_EQ(two.find(key("a")), cloud_reply("A"));
    EXPECT_EQ(two.find(key("b")), std::nullopt);
    CachedReply stream{.chunks = {"{\"x\":1}", "{}"}, .target = "t", .zone = core::Zone::Cloud};
    two.store(key("s"), stream);
    EXPECT_EQ(one.find(key("s")), stream);
}

TEST(RedisCache, EntriesAreSealedAndExpire) {
    SKIP_WITHOUT_REDIS();
    RedisServer server;
    Fixture one(config_of(server.port()));
    one.store(key("a"), cloud_reply("canary answer"));
    const auto keys = server.command({"KEYS", "*"});
    ASSERT_NE(keys.find("sluice:answer:1:"), std::string::npos) << keys;
    const auto name = keys.substr(keys.find("sluice:"), std::string("sluice:answer:1:").size() + 64);
    EXPECT_EQ(server.command({"GET", name}).find("canary"), std::string::npos);
    const auto left = std::stoi(server.command({"TTL", name}).substr(1));
    EXPECT_GT(left, 90);
    EXPECT_LE(left, 100);

    // What somebody with access to Redis changes, or moves to another key, is a miss.
    EXPECT_EQ(server.command({"SETRANGE", name, "20", "x"}).front(), ':');
    EXPECT_EQ(one.find(key("a")), std::nullopt);
    one.store(key("a"), cloud_reply("A"));
    one.store(key("b"), cloud_reply("B"));
    auto names = server.command({"KEYS", "*"});
    const auto first = names.substr(names.find("sluice:"), name.size());
    const auto second = names.substr(names.rfind("sluice:"), name.size());
    ASSERT_NE(first, second);
    EXPECT_EQ(server.command({"RENAME", first, second}), "+OK\r\n");
    EXPECT_EQ(one.find(key("a")), std::nullopt);
    EXPECT_EQ(one.find(key("b")), std::nullopt);
}

TEST(RedisCache, WhatMayNotLeaveTheProcessDoesNot) {
    SKIP_WITHOUT_REDIS();
    RedisServer server;
    Fixture one(config_of(server.port()));
    one.store(key("a", MayLeaveProcess::No), cloud_reply("A"));
    CachedReply local = cloud_reply("B");
    local.zone = core::Zone::Local;
    one.store(key("b"), local);
    EXPECT_EQ(server.command({"DBSIZE"}), ":0\r\n");
    EXPECT_EQ(one.find(key("a", MayLeaveProcess::No)), std::nullopt);
    EXPECT_EQ(one.find(key("b")), std::nullopt);
}

TEST(RedisCache, ErrorRepliesAreMisses) {
    SKIP_WITHOUT_REDIS();
    RedisServer server({"--maxmemory", "1", "--maxmemory-policy", "noeviction"});
    Fixture full(config_of(server.port()));
    full.store(key("a"), cloud_reply("A"));  // -OOM
    EXPECT_EQ(full.find(key("a")), std::nullopt);
    EXPECT_FALSE(full.cache.resting()) << "the server answers, so it is asked again";

    RedisServer odd;
    Fixture wrong_type(config_of(odd.port()));
    wrong_type.store(key("a"), cloud_reply("A"));
    const auto keys = odd.command({"KEYS", "*"});
    const auto name = keys.substr(keys.find("sluice:"), std::string("sluice:answer:1:").size() + 64);
    odd.command({"DEL", name});
    odd.command({"LPUSH", name, "x"});
    EXPECT_EQ(wrong_type.find(key("a")), std::nullopt);
    odd.command({"DEL", name});
    odd.command({"SET", name, "short"});
    EXPECT_EQ(wrong_type.find(key("a")), std::nullopt);
    wrong_type.store(key("a"), cloud_reply("A"));
    EXPECT_EQ(wrong_type.find(key("a")), cloud_reply("A"));
}

TEST(RedisCache, PasswordAndDatabaseAreGivenFirst) {
    SKIP_WITHOUT_REDIS();
    RedisServer server({"--requirepass", "pass word"});
    Fixture without(config_of(server.port()));
    without.store(key("a"), cloud_reply("A"));
    EXPECT_EQ(without.find(key("a")), std::nullopt);

    RedisConfig config = config_of(server.port());
    config.password = core::Secret("pass word");
    config.database = 2;
    Fixture with(config);
    with.store(key("a"), cloud_reply("A"));
    EXPECT_EQ(with.find(key("a")), cloud_reply("A"));

    config.password = core::Secret("wrong");
    Fixture wrong(config);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(wrong.find(key("a")), std::nullopt);
    EXPECT_TRUE(wrong.cache.resting());
}

TEST(RedisCache, ConcurrentCommandsShareOneConnectionAndGetTheirOwnReplies) {
    SKIP_WITHOUT_REDIS();
    RedisServer server;
    Fixture one(config_of(server.port()));
    int done = 0;
    const auto work = [&](int i) -> core::awaitable<void> {
        const Key mine = key("k" + std::to_string(i));
        co_await one.cache.store(mine, cloud_reply("body " + std::to_string(i)));
        const auto found = co_await one.cache.find(mine);
        EXPECT_TRUE(found && found->body == "body " + std::to_string(i));
        ++done;
    };
    for (int i = 0; i < 200; ++i) core::net::co_spawn(one.loop.get_executor(), work(i), [](std::exception_ptr) {});
    while (done < 200) one.loop.run_one();
    EXPECT_NE(server.command({"INFO", "stats"}).find("total_connections_received:"), std::string::npos);
    EXPECT_EQ(server.command({"DBSIZE"}), ":200\r\n");
}

TEST(RedisCache, AServerThatHangsCostsThreeTimeoutsAndIsAskedAgainLater) {
    SKIP_WITHOUT_REDIS();
    RedisServer server;
    RedisConfig config = config_of(server.port(), milliseconds(25));
    config.rest = milliseconds(300);
    Fixture one(config);
    while (!one.find(key("a"))) one.store(key("a"), cloud_reply("A"));
    server.pause();
    const auto begin = Clock::now();
    for (int i = 0; i < 3; ++i) {
        const auto before = Clock::now();
        EXPECT_EQ(one.find(key("a")), std::nullopt);
        EXPECT_LT(Clock::now() - before, milliseconds(10'000)) << "it waits 25 ms, not for the server";
    }
    EXPECT_GE(Clock::now() - begin, milliseconds(75));
    EXPECT_TRUE(one.cache.resting());
    const auto resting = Clock::now();
    for (int i = 0; i < 1000 && one.cache.resting() && Clock::now() - resting < milliseconds(100); ++i)
        EXPECT_EQ(one.find(key("a")), std::nullopt);
    server.resume();
    std::optional<CachedReply> found;
    while (!found && Clock::now() - resting < seconds(20)) found = one.find(key("a"));
    EXPECT_EQ(found, cloud_reply("A"));
    EXPECT_FALSE(one.cache.resting());
}

TEST(RedisCache, AServerThatDiesIsAMissAndComesBack) {
    SKIP_WITHOUT_REDIS();
    RedisServer server;
    RedisConfig config = config_of(server.port());
    config.rest = milliseconds(50);
    Fixture one(config);
    one.store(key("a"), cloud_reply("A"));
    ASSERT_TRUE(one.find(key("a")));
    server.kill();
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(one.find(key("a")), std::nullopt);
        one.store(key("a"), cloud_reply("A"));
    }
    EXPECT_TRUE(one.cache.resting());
    server.restart();
    const auto begin = Clock::now();
    std::optional<CachedReply> found;
    while (!found && Clock::now() - begin < seconds(20)) {
        one.store(key("a"), cloud_reply("A"));
        found = one.find(key("a"));
    }
    EXPECT_EQ(found, cloud_reply("A"));
}

// Something that listens and says what it is told to, whatever it is asked.
class TalkingServer {
public:
    explicit TalkingServer(std::string words) : words_(std::move(words)), thread_([this] { serve(); }) {}
    TalkingServer(const TalkingServer&) = delete;
    TalkingServer& operator=(const TalkingServer&) = delete;
    ~TalkingServer() {
        stopping_ = true;
        boost::system::error_code ignored;
        Tcp::socket(loop_).connect(acceptor_.local_endpoint(), ignored);
        thread_.join();
    }
    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

private:
    using Tcp = boost::asio::ip::tcp;
    void serve() {
        std::vector<Tcp::socket> open;
        while (!stopping_) {
            Tcp::socket& socket = open.emplace_back(loop_);
            boost::system::error_code ignored;
            acceptor_.accept(socket, ignored);
            boost::asio::write(socket, boost::asio::buffer(words_), ignored);
        }
    }
    std::string words_;
    std::atomic<bool> stopping_{false};
    boost::asio::io_context loop_;
    Tcp::acceptor acceptor_{loop_, Tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)};
    std::thread thread_;
};

TEST(RedisCache, GarbageIsAMiss) {
    for (const std::string words : {"HTTP/1.1 400 Bad Request\r\n\r\n", "*3\r\n:1\r\n", "$999999999\r\n",
                                    "+unasked\r\n+unasked\r\n", "\xff\xfe\r\n", "-ERR no\r\n"}) {
        TalkingServer server(words);
        Fixture one(config_of(server.port(), milliseconds(100)));
        for (int i = 0; i < 4; ++i) {
            EXPECT_EQ(one.find(key("a")), std::nullopt) << words;
            one.store(key("a"), cloud_reply("A"));
        }
    }
}

TEST(RedisCache, TlsServersAreVerified) {
    // Not Redis behind it: what matters is that nothing is said to a server that cannot prove who it is.
    for (const bool good : {false, true}) {
        const auto& certificates = sluice::testing::test_certificates();
        sluice::testing::ScriptedUpstream server({.tls = good ? certificates.good : certificates.self_signed});
        const auto file =
            std::filesystem::path(::testing::TempDir()) / ("sluice-redis-ca-" + std::to_string(server.port()));
        std::ofstream(file) << certificates.authority_pem;
        RedisConfig config = config_of(server.port(), milliseconds(300));
        config.host = "localhost";
        config.tls = true;
        config.ca_file = file;
        config.password = core::Secret("canary");
        Fixture one(config);
        EXPECT_EQ(one.find(key("a")), std::nullopt);
        EXPECT_EQ(server.received_contains("canary"), good);
        std::filesystem::remove(file);
    }
}

TEST(TieredCache, KeepsEverythingNearAndSharesWhatMayLeave) {
    SKIP_WITHOUT_REDIS();
    RedisServer server;
    Fixture far(config_of(server.port()));
    MemoryCache near;
    MemoryCache other_near;
    TieredCache here(near, far.cache);
    TieredCache elsewhere(other_near, far.cache);
    run(far.loop, here.store(key("a"), cloud_reply("A")));
    run(far.loop, here.store(key("b", MayLeaveProcess::No), cloud_reply("B")));
    EXPECT_EQ(near.entries(), 2U);
    EXPECT_EQ(run(far.loop, here.find(key("b", MayLeaveProcess::No))), cloud_reply("B"));
    EXPECT_EQ(run(far.loop, elsewhere.find(key("a"))), cloud_reply("A"));
    EXPECT_EQ(run(far.loop, elsewhere.find(key("b", MayLeaveProcess::No))), std::nullopt);
}

}  // namespace
}  // namespace sluice::cache
