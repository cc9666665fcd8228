// Many connections: idle ones that cost little, caps, and descriptors that run out.
#include "tests/unit/gateway/edge_fixture.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

namespace sluice::gateway::testing {
namespace {

const std::string kPing = "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n";

std::vector<std::unique_ptr<RawClient>> connect_many(std::uint16_t port, std::size_t count) {
    std::vector<std::unique_ptr<RawClient>> clients;
    for (std::size_t i = 0; i < count; ++i) clients.push_back(std::make_unique<RawClient>(port));
    return clients;
}

TEST(EdgeLoad, AThousandIdleConnectionsAllStillAnswer) {
    TestServer server({}, 2);
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < 2200) GTEST_SKIP() << "needs 2200 descriptors";
    const auto clients = connect_many(server.port(), 1000);
    for (int round = 0; round < 2; ++round) {
        for (const auto& client : clients) ASSERT_TRUE(client->send(kPing));
        for (const auto& client : clients) ASSERT_EQ(client->read_answer()->body, "pong");
    }
    EXPECT_EQ(server.server().counters().open.load(), 1000);
    server.server().drain(std::chrono::seconds(20));
    EXPECT_TRUE(server.server().join());
    for (const auto& client : clients) EXPECT_TRUE(client->at_end());
}

TEST(EdgeLoad, BothLoopsServe) {
    TestServer server({}, 2);
    const auto clients = connect_many(server.port(), 64);
    for (const auto& client : clients) {
        client->send(kPing);
        EXPECT_EQ(client->read_answer()->status, 200);
    }
}

TEST(EdgeLoad, WhoIsBeyondTheTotalCapIsTold) {
    ServerConfig config;
    config.max_connections = 3;
    TestServer server(config);
    auto clients = connect_many(server.port(), 3);
    for (const auto& client : clients) {
        client->send(kPing);
        ASSERT_EQ(client->read_answer()->status, 200);
    }
    RawClient beyond(server.port());
    const auto answer = beyond.read_answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 503);
    EXPECT_EQ(answer->header("retry-after"), "1");
    EXPECT_TRUE(beyond.at_end());
    EXPECT_EQ(server.server().counters().refused_total_cap.load(), 1U);
}

TEST(EdgeLoad, AClientsOwnCapIsGivenBackWhenItsConnectionsEnd) {
    ServerConfig config;
    config.max_connections_per_ip = 2;
    TestServer server(config);
    auto clients = connect_many(server.port(), 2);
    for (const auto& client : clients) {
        client->send(kPing);
        ASSERT_EQ(client->read_answer()->status, 200);
    }
    EXPECT_EQ(RawClient(server.port()).read_answer()->status, 429);
    clients[0]->send("GET /ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(clients[0]->read_answer()->status, 200);
    EXPECT_TRUE(clients[0]->at_end());
    clients[0]->close();
    // The place is free once the server has seen our FIN: until then further tries are turned away.
    int status = 0;
    for (int tries = 0; tries < 2000 && status != 200; ++tries) {
        RawClient next(server.port());
        next.send(kPing);
        const auto answer = next.read_answer();
        status = answer ? answer->status : 0;
    }
    EXPECT_EQ(status, 200);
}

TEST(EdgeLoad, RunningOutOfDescriptorsIsSurvived) {
    TestServer server;
    RawClient before(server.port());
    before.send(kPing);
    ASSERT_EQ(before.read_answer()->status, 200);
    rlimit files{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
    // A client takes one descriptor for itself; the server's accept then finds none.
    const int probe = ::dup(0);
    ASSERT_GE(probe, 0);
    ::close(probe);
    rlimit tight = files;
    tight.rlim_cur = static_cast<rlim_t>(probe) + 1;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    auto waiting = std::make_unique<RawClient>(server.port());
    waiting->send(kPing);
    const auto begin = std::chrono::steady_clock::now();
    while (server.server().counters().accept_errors.load() == 0 &&
           std::chrono::steady_clock::now() - begin < RawClient::kPatience)
        std::this_thread::yield();
    before.send(kPing);
    const auto during = before.read_answer();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
    EXPECT_GT(server.server().counters().accept_errors.load(), 0U);
    ASSERT_TRUE(during);
    EXPECT_EQ(during->status, 200);
    EXPECT_EQ(waiting->read_answer()->status, 200);
}

}  // namespace
}  // namespace sluice::gateway::testing
