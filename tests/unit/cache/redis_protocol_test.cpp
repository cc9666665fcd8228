#include "cache/redis_protocol.hpp"

#include "cache/circuit_breaker.hpp"
#include "cache/redis_client.hpp"

#include <gtest/gtest.h>

#include <array>

namespace sluice::cache {
namespace {

using Kind = RedisReply::Kind;
using std::chrono::milliseconds;

TEST(RedisProtocol, WritesBinarySafeCommands) {
    const std::array<std::string_view, 3> words{"SET", std::string_view("a\0b", 3), ""};
    EXPECT_EQ(format_command(words), std::string("*3\r\n$3\r\nSET\r\n$3\r\na\0b\r\n$0\r\n\r\n", 28));
}

TEST(RedisProtocol, ReadsRepliesHoweverTheyAreCut) {
    const std::string bytes = "+OK\r\n$-1\r\n$5\r\nhe\r\no\r\n:42\r\n-WRONGTYPE Operation against a key\r\n";
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
        RedisReplies replies(1000);
        std::vector<RedisReply> all;
        for (std::size_t i = 0; i < bytes.size(); i += step) {
            ASSERT_TRUE(replies.feed(std::string_view(bytes).substr(i, step)));
            for (auto reply = replies.next(); *reply; reply = replies.next()) all.push_back(**reply);
        }
        ASSERT_EQ(all.size(), 5U);
        EXPECT_EQ(all[0].text, "OK");
        EXPECT_EQ(all[1].kind, Kind::Nil);
        EXPECT_EQ(all[2].text, "he\r\no");
        EXPECT_EQ(all[3].integer, 42);
        EXPECT_EQ(all[4].kind, Kind::Error);
        EXPECT_EQ(all[4].text, "WRONGTYPE");
    }
}

TEST(RedisProtocol, RefusesWhatIsNoReplyOrTooMuch) {
    for (const std::string bytes : {"HTTP/1.1 400\r\n", "*2\r\n+a\r\n+b\r\n", "*1000000000\r\n", "*-7\r\n", "$-5\r\n",
                                    "$x\r\n", ":1x\r\n", "\r\n"}) {
        RedisReplies replies(1000);
        const bool fed = replies.feed(bytes).has_value();
        EXPECT_TRUE(!fed || !replies.next()) << bytes;
    }
    RedisReplies replies(1000);
    ASSERT_TRUE(replies.feed("$1000000000\r\n"));
    ASSERT_TRUE(replies.next());
    EXPECT_FALSE(replies.feed(std::string(1000, 'x')));
}

TEST(CircuitBreaker, OpensAfterFailuresInARowAndLetsOneProbeThrough) {
    CircuitBreaker breaker(3, milliseconds(100));
    const auto now = CircuitBreaker::Clock::now();
    breaker.failed(now);
    breaker.failed(now);
    breaker.succeeded();
    breaker.failed(now);
    breaker.failed(now);
    EXPECT_TRUE(breaker.admits(now));
    breaker.failed(now);
    EXPECT_FALSE(breaker.admits(now + milliseconds(99)));
    EXPECT_TRUE(breaker.admits(now + milliseconds(100))) << "the probe";
    EXPECT_FALSE(breaker.admits(now + milliseconds(101))) << "only one";
    breaker.failed(now + milliseconds(110));
    EXPECT_FALSE(breaker.admits(now + milliseconds(209)));
    EXPECT_TRUE(breaker.admits(now + milliseconds(210)));
    breaker.succeeded();
    EXPECT_TRUE(breaker.admits(now + milliseconds(211)));
    EXPECT_TRUE(breaker.admits(now + milliseconds(211)));
}

TEST(RedisUrl, IsTakenApart) {
    const auto plain = parse_redis_url(core::Secret("redis://localhost"));
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->host, "localhost");
    EXPECT_EQ(plain->port, 6379);
    EXPECT_FALSE(plain->tls);
    const auto full = parse_redis_url(core::Secret("rediss://bob:p%40ss%3a@[::1]:7000/3"));
    ASSERT_TRUE(full);
    EXPECT_EQ(full->host, "::1");
    EXPECT_EQ(full->port, 7000);
    EXPECT_EQ(full->user, "bob");
    EXPECT_EQ(full->password.expose(), "p@ss:");
    EXPECT_EQ(full->database, 3);
    EXPECT_TRUE(full->tls);
    EXPECT_EQ(parse_redis_url(core::Secret("redis://:pw@h/"))->password.expose(), "pw");
}

TEST(RedisUrl, RefusesNonsenseWithoutRepeatingIt) {
    for (const char* bad :
         {"", "localhost", "http://h", "redis://", "redis://:canary@", "redis://canary@h", "redis://u:canary%4@h",
          "redis://u:canary%zz@h", "redis://h:0", "redis://h:65536", "redis://h:canary", "redis://h/canary",
          "redis://h/-1", "redis://u:can ary@h", "redis://[::1"}) {
        const auto parsed = parse_redis_url(core::Secret(bad));
        ASSERT_FALSE(parsed) << bad;
        EXPECT_EQ(core::describe(parsed.error()).find("canary"), std::string::npos);
    }
}

}  // namespace
}  // namespace sluice::cache
