// Slow, silent and vanishing clients, with short limits.
#include "tests/unit/gateway/edge_fixture.hpp"

#include <gtest/gtest.h>

namespace sluice::gateway::testing {
namespace {

using std::chrono::milliseconds;

ServerConfig hurried() {
    ServerConfig config;
    config.timeouts.header = milliseconds(200);
    config.timeouts.body_gap = milliseconds(200);
    config.timeouts.idle = milliseconds(300);
    config.timeouts.handshake = milliseconds(200);
    config.timeouts.write_stall = milliseconds(300);
    config.timeouts.linger = milliseconds(200);
    config.timeouts.half_closed = milliseconds(200);
    return config;
}

milliseconds since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
}

TEST(EdgeTime, AHeaderThatDoesNotEndIsAnswered408) {
    TestServer server(hurried());
    RawClient client(server.port());
    client.send("GET /ping HTTP/1.1\r\nHost: a\r\n");
    EXPECT_EQ(client.read_answer()->status, 408);
    EXPECT_TRUE(client.at_end());
    EXPECT_EQ(server.server().counters().timeouts.load(), 1U);
}

TEST(EdgeTime, ByteAfterByteDoesNotExtendTheHeadersTime) {
    TestServer server(hurried());
    RawClient client(server.port());
    const auto begin = std::chrono::steady_clock::now();
    client.send("GET /ping HTTP/1.1\r\nHost: a\r\nX: ");
    // One byte per round trip of another connection: a steady pace far below the header's limit.
    RawClient other(server.port());
    while (since(begin) < std::chrono::seconds(10) && server.server().counters().timeouts.load() == 0) {
        client.send("x");
        other.send("GET /events/200 HTTP/1.1\r\nHost: a\r\n\r\n");
        ASSERT_TRUE(other.read_answer());
    }
    EXPECT_LT(since(begin), std::chrono::seconds(10));
    EXPECT_EQ(client.read_answer()->status, 408);
}

TEST(EdgeTime, AConnectionThatSaysNothingIsClosedWithoutAWord) {
    TestServer server(hurried());
    RawClient client(server.port());
    EXPECT_TRUE(client.at_end());
}

TEST(EdgeTime, AnIdleConnectionIsClosedAfterItsTime) {
    TestServer server(hurried());
    RawClient client(server.port());
    client.send("GET /ping HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.read_answer()->status, 200);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(client.at_end());
    EXPECT_GE(since(begin), milliseconds(250));
}

TEST(EdgeTime, ABodyThatPausesIsAnswered408) {
    TestServer server(hurried());
    for (const std::string& body :
         {std::string("Content-Length: 10\r\n\r\nhello"), std::string("Transfer-Encoding: chunked\r\n\r\na\r\nhello"),
          std::string("Transfer-Encoding: chunked\r\n\r\n"),
          std::string("Content-Length: 10\r\nExpect: 100-continue\r\n\r\n")}) {
        RawClient client(server.port());
        client.send("POST /echo HTTP/1.1\r\nHost: a\r\n" + body);
        auto answer = client.read_answer();
        if (answer && answer->status == 100) answer = client.read_answer();
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->status, 408);
        EXPECT_TRUE(client.at_end());
    }
}

TEST(EdgeTime, ABodyBelowTheLowestRateIsCutThoughItNeverPauses) {
    ServerConfig config = hurried();
    config.timeouts.min_body_bytes_per_s = 1'000'000;
    TestServer server(config);
    RawClient client(server.port());
    client.send("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n");
    const auto begin = std::chrono::steady_clock::now();
    // Each round trip through another connection paces one byte: far from a megabyte per second, and never a pause of
    // 200 ms.
    RawClient other(server.port());
    while (since(begin) < std::chrono::seconds(10) && server.server().counters().timeouts.load() == 0) {
        client.send("x");
        other.send("GET /ping HTTP/1.1\r\nHost: a\r\n\r\n");
        ASSERT_TRUE(other.read_answer());
    }
    EXPECT_EQ(client.read_answer()->status, 408);
}

TEST(EdgeTime, AClientThatDoesNotReadIsCutAndTheHandlerHearsOfIt) {
    TestServer server(hurried());
    RawClient client(server.port());
    client.send("GET /drip HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(server.witness().wait_for("drip begun"));
    EXPECT_TRUE(server.witness().wait_for("drip ended: client gone"));
}

TEST(EdgeTime, AClientThatVanishesEndsAWaitingHandler) {
    TestServer server;
    for (int round = 1; round <= 5; ++round) {
        RawClient client(server.port());
        client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        ASSERT_TRUE(server.witness().wait_for("wait begun", static_cast<std::size_t>(round)));
        const auto begin = std::chrono::steady_clock::now();
        if (round % 2 == 0) client.reset();
        else client.close();
        ASSERT_TRUE(server.witness().wait_for("wait cancelled: client gone", static_cast<std::size_t>(round)));
        EXPECT_LT(since(begin), std::chrono::seconds(2));
    }
    server.server().drain(std::chrono::seconds(10));
    ASSERT_TRUE(server.server().join());
    EXPECT_EQ(server.server().counters().clients_gone.load(), 5U);
}

TEST(EdgeTime, AClientThatVanishesEndsAStream) {
    TestServer server;
    RawClient client(server.port());
    client.send("GET /drip?slow HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(client.read_until("data: "));
    client.close();
    EXPECT_TRUE(server.witness().wait_for("drip ended: client gone"));
}

TEST(EdgeTime, AClientThatOnlyStopsSendingStillGetsAQuickAnswer) {
    TestServer server;
    RawClient client(server.port());
    client.send("GET /moment HTTP/1.1\r\nHost: a\r\n\r\n");
    client.shutdown_send();
    const auto answer = client.read_answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "in time");
    EXPECT_TRUE(client.at_end());
}

TEST(EdgeTime, AClientThatStopsSendingCountsAsGoneAfterAWhile) {
    TestServer server(hurried());
    RawClient client(server.port());
    client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    client.shutdown_send();
    EXPECT_TRUE(server.witness().wait_for("wait cancelled: client gone"));
}

TEST(EdgeTime, AResetIsNoticedThoughTheClientHadStoppedSending) {
    ServerConfig config;
    config.timeouts.half_closed = std::chrono::hours(1);
    TestServer server(config);
    RawClient client(server.port());
    client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(server.witness().wait_for("wait begun"));
    client.shutdown_send();
    client.reset();
    EXPECT_TRUE(server.witness().wait_for("wait cancelled: client gone"));
}

TEST(EdgeTime, RequestsThatArriveWhileAHandlerRunsAreAnsweredAfterIt) {
    TestServer server;
    RawClient client(server.port());
    client.send("GET /moment HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(server.witness().wait_for("moment begun"));
    for (int i = 0; i < 3; ++i) client.send("GET /item/" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.read_answer()->body, "in time");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(client.read_answer()->body, std::to_string(i) + "?");
}

TEST(EdgeTime, AFloodBehindARunningHandlerIsHeldBackAndKept) {
    TestServer server;
    RawClient client(server.port());
    std::string flood = "GET /moment HTTP/1.1\r\nHost: a\r\n\r\n";
    constexpr int kRequests = 3000;  // several times the input buffer
    for (int i = 0; i < kRequests; ++i) flood += "GET /item/" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
    std::thread sender([&] { client.send(flood); });
    EXPECT_EQ(client.read_answer()->body, "in time");
    for (int i = 0; i < kRequests; ++i) ASSERT_EQ(client.read_answer()->body, std::to_string(i) + "?");
    sender.join();
}

TEST(EdgeTime, ClientsThatVanishInsideABodyLeaveNothingBehind) {
    TestServer server;
    for (int i = 0; i < 50; ++i) {
        RawClient client(server.port());
        client.send("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + std::string(100'000, 'x'));
        if (i % 2 == 0) client.reset();
    }
    RawClient last(server.port());
    last.send("GET /ping HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(last.read_answer()->status, 200);
    last.close();
    server.server().drain(std::chrono::seconds(10));
    EXPECT_TRUE(server.server().join());
    EXPECT_EQ(server.server().counters().open.load(), 0);
}

}  // namespace
}  // namespace sluice::gateway::testing
