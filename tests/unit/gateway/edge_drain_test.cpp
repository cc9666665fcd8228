// Ending: what runs may finish, what idles is closed, what does not end is cancelled, and then cut.
#include "tests/unit/gateway/edge_fixture.hpp"

#include <gtest/gtest.h>

namespace sluice::gateway::testing {
namespace {

using std::chrono::milliseconds;

TEST(EdgeDrain, IdleConnectionsCloseAndNobodyNewComesIn) {
    TestServer server({}, 2);
    RawClient idle(server.port());
    RawClient used(server.port());
    used.send("GET /ping HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(used.read_answer()->status, 200);
    const std::uint16_t port = server.port();
    server.server().drain(std::chrono::seconds(30));
    EXPECT_TRUE(server.server().draining());
    EXPECT_TRUE(idle.at_end());
    EXPECT_TRUE(used.at_end());
    EXPECT_TRUE(server.server().join());
    EXPECT_THROW(RawClient{port}, std::runtime_error);
}

TEST(EdgeDrain, ARunningRequestFinishesAndSaysClose) {
    TestServer server;
    RawClient client(server.port());
    client.send("GET /moment HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(server.witness().wait_for("moment begun"));
    server.server().drain(std::chrono::seconds(30));
    const auto answer = client.read_answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "in time");
    EXPECT_EQ(answer->header("connection"), "close");
    EXPECT_TRUE(client.at_end());
    EXPECT_TRUE(server.server().join());
}

TEST(EdgeDrain, AStreamThatOutlivesTheLimitGetsAnErrorEventAndNoEnd) {
    TestServer server;
    RawClient client(server.port());
    client.send("GET /drip?slow HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(client.read_until("data: "));
    server.server().drain(milliseconds(100));
    const auto answer = client.read_answer();
    ASSERT_TRUE(answer);
    EXPECT_FALSE(answer->complete);
    EXPECT_NE(
        answer->body.find(
            R"(data: {"error":{"message":"the server is shutting down","type":"api_error","param":null,"code":"unavailable"}})"),
        std::string::npos)
        << answer->body.substr(answer->body.size() > 300 ? answer->body.size() - 300 : 0);
    EXPECT_TRUE(server.witness().wait_for("drip ended: drain"));
    EXPECT_TRUE(server.server().join());
}

TEST(EdgeDrain, AHandlerThatOutlivesTheLimitIsCancelledAndItsClientGets503) {
    TestServer server;
    RawClient client(server.port());
    client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(server.witness().wait_for("wait begun"));
    server.server().drain(milliseconds(50));
    const auto answer = client.read_answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 503);
    EXPECT_EQ(answer->header("retry-after"), "1");
    EXPECT_TRUE(server.witness().wait_for("wait cancelled: drain"));
    EXPECT_TRUE(server.server().join());
}

TEST(EdgeDrain, ASecondCallShortensTheLimit) {
    TestServer server;
    RawClient client(server.port());
    client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(server.witness().wait_for("wait begun"));
    server.server().drain(std::chrono::hours(1));
    server.server().drain(milliseconds(0));
    EXPECT_TRUE(server.server().join());
    EXPECT_EQ(server.witness().count("wait cancelled: drain"), 1U);
}

TEST(EdgeDrain, ACutThatNobodyReadsEndsAnyway) {
    TestServer server;
    RawClient client(server.port());  // never reads: the stream blocks in its write
    client.send("GET /drip HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(server.witness().wait_for("drip begun"));
    server.server().drain(milliseconds(50));
    EXPECT_TRUE(server.server().join());
    EXPECT_TRUE(server.witness().wait_for("drip ended: client gone"));
}

TEST(EdgeDrain, APartialHeaderMayBecomeARequestWithinTheLimit) {
    TestServer server;
    RawClient client(server.port());
    client.send("GET /ping HTTP/1.1\r\nHo");
    RawClient probe(server.port());
    probe.send("GET /ping HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(probe.read_answer()->status, 200);  // the same loop: the partial header has been read by now
    server.server().drain(std::chrono::seconds(20));
    EXPECT_TRUE(probe.at_end());
    client.send("st: a\r\n\r\n");
    const auto answer = client.read_answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->header("connection"), "close");
    EXPECT_TRUE(server.server().join());
}

TEST(EdgeDrain, UnderLoadEveryRequestThatWasAnsweredIsWhole) {
    TestServer server({}, 2);
    std::atomic<int> whole{0};
    std::atomic<int> broken{0};
    std::vector<std::thread> clients;
    for (int i = 0; i < 8; ++i) {
        clients.emplace_back([&] {
            try {
                while (true) {
                    RawClient client(server.port());
                    for (int request = 0; request < 20; ++request) {
                        if (!client.send("GET /events/20 HTTP/1.1\r\nHost: a\r\n\r\n")) break;
                        const auto answer = client.read_answer();
                        if (!answer) break;
                        (answer->complete && answer->body.size() > 200 ? whole : broken).fetch_add(1);
                        server.witness().note("answered");
                    }
                }
            } catch (const std::runtime_error&) {  // refused: the listener is closed
            }
        });
    }
    ASSERT_TRUE(server.witness().wait_for("answered", 500));
    server.server().drain(std::chrono::seconds(20));
    EXPECT_TRUE(server.server().join());
    for (auto& client : clients) client.join();
    EXPECT_GE(whole.load(), 500);
    EXPECT_EQ(broken.load(), 0);
    EXPECT_EQ(server.server().counters().open.load(), 0);
}

}  // namespace
}  // namespace sluice::gateway::testing
