// Conversation memory in a real Redis: there after a restart, shared by replicas, and nothing readable in it.
#include "redact_world.hpp"
#include "tests/support/redis_server.hpp"

namespace sluice::router {
namespace {

using namespace testing;
using core::Action;
using core::DataClass;
using sluice::testing::RedisServer;

#define SKIP_WITHOUT_REDIS()       \
    if (!RedisServer::installed()) \
    GTEST_SKIP() << "NO redis-server ON THIS MACHINE: conversation memory in Redis is not tested"

class RedisMemoryTest : public ::testing::Test, protected RedactWorld {
protected:
    RedisMemoryTest() {
        policy.action_of = {Action::Cloud, Action::Cloud, Action::Local, Action::Local};
        policy.memory.store = policies::MemoryRules::Store::Redis;
        cached = false;
    }
    void use(const RedisServer& server) {
        make_redis = [port = server.port()](core::net::io_context& loop) {
            cache::RedisConfig config;
            config.port = port;
            config.timeout = std::chrono::seconds{2};
            return std::make_unique<cache::RedisClient>(loop, config);
        };
    }
    void restart() {
        std::destroy_at(&memory);
        std::construct_at(&memory);
    }
    const Json question = body({user("Is card 4111 1111 1111 1111 valid?")});
    const Json later =
        body({assistant("This is what the model in this process has to say about it."), user("Shorten that.")});
};

TEST_F(RedisMemoryTest, APrivateAnswerIsRememberedAfterARestartByItsTeamOnly) {
    SKIP_WITHOUT_REDIS();
    RedisServer server;
    use(server);
    ASSERT_TRUE(ask(question));
    restart();
    ASSERT_TRUE(ask(later));
    EXPECT_TRUE(stayed());
    EXPECT_EQ(decision().reason, "conversation");
    ASSERT_TRUE(ask(later, 2));
    EXPECT_FALSE(stayed());
    const auto names = server.command({"KEYS", "*"});
    EXPECT_NE(names.find("sluice:{memory}:1:"), std::string::npos);
    // In the process only, a restart forgets.
    policy.memory.store = policies::MemoryRules::Store::Process;
    restart();
    ASSERT_TRUE(ask(later));
    EXPECT_FALSE(stayed());
}

TEST_F(RedisMemoryTest, ALowerClassNeverReplacesAHigherOne) {
    SKIP_WITHOUT_REDIS();
    RedisServer server;
    use(server);
    const Json plain = body({user("What our plans for the next year are about.")});
    ASSERT_TRUE(ask(plain, 1, DataClass::Restricted));
    ASSERT_TRUE(ask(plain, 1, DataClass::Confidential));
    restart();
    ASSERT_TRUE(ask(plain));
    EXPECT_EQ(decision().data_class, DataClass::Restricted);
}

TEST_F(RedisMemoryTest, WhileRedisIsGonePrivateWorkGoesOnAndTheRestCountsAsUnknown) {
    SKIP_WITHOUT_REDIS();
    RedisServer server;
    use(server);
    ASSERT_TRUE(ask(body({user("What is the capital of France?")})));
    EXPECT_FALSE(stayed());
    server.kill();
    ASSERT_TRUE(ask(question));
    EXPECT_TRUE(stayed());
    ASSERT_TRUE(ask(body({user("What is the capital of Spain?")})));
    EXPECT_TRUE(stayed());
    EXPECT_EQ(decision().data_class, DataClass::Restricted);
    server.restart();
    ASSERT_TRUE(ask(body({user("What is the capital of Italy?")})));
    EXPECT_FALSE(stayed());
}

TEST_F(RedisMemoryTest, EntriesThatSomebodyChangedCountAsUnknown) {
    SKIP_WITHOUT_REDIS();
    RedisServer server;
    use(server);
    ASSERT_TRUE(ask(question));
    restart();
    const auto names = server.command({"KEYS", "*"});
    for (std::size_t at = names.find("sluice:"); at != std::string::npos; at = names.find("sluice:", at + 1))
        server.command({"SET", names.substr(at, names.find('\r', at) - at), "nothing of interest"});
    ASSERT_TRUE(ask(later));
    EXPECT_TRUE(stayed());
    EXPECT_EQ(cloud.calls, 0U);
}

}  // namespace
}  // namespace sluice::router
