// Whole answers, streams, continue, identity: what a client reads, in detail.
#include "tests/unit/gateway/edge_fixture.hpp"

#include <gtest/gtest.h>

namespace sluice::gateway::testing {
namespace {

std::string get(const std::string& path, const std::string& headers = "", const std::string& version = "1.1") {
    return "GET " + path + " HTTP/" + version + "\r\nHost: a\r\n" + headers + "\r\n";
}

TEST(EdgeAnswers, EchoesTheBodyItWasSent) {
    TestServer server;
    RawClient client(server.port());
    client.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n4\r\ndefg\r\n0\r\nA: "
        "b\r\n\r\n");
    EXPECT_EQ(client.read_answer()->body, "abcdefg");
}

TEST(EdgeAnswers, LargeBodiesAndAnswersArriveWhole) {
    TestServer server;
    RawClient client(server.port());
    const std::size_t size = std::size_t{8} << 20U;
    client.send("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
                std::string(size, 'b'));
    EXPECT_EQ(client.read_answer()->body, std::to_string(size));
    client.send(get("/large"));
    const auto answer = client.read_answer();
    EXPECT_TRUE(answer->complete);
    EXPECT_EQ(answer->body, std::string(size, 'x'));
}

TEST(EdgeAnswers, HeadHasTheLengthAndNoBody) {
    TestServer server;
    RawClient client(server.port());
    client.send("HEAD /ping HTTP/1.1\r\nHost: a\r\n\r\n" + get("/ping"));
    const auto head = client.read_answer(true);
    EXPECT_EQ(head->status, 200);
    EXPECT_EQ(head->header("content-length"), "4");
    EXPECT_EQ(client.read_answer()->body, "pong");
    client.send("HEAD /events/3 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/ping"));
    EXPECT_EQ(client.read_answer(true)->header("transfer-encoding"), "chunked");
    EXPECT_EQ(client.read_answer()->body, "pong");
}

TEST(EdgeAnswers, AStreamIsEventsAndAnEnd) {
    TestServer server;
    RawClient client(server.port());
    client.send(get("/events/3"));
    const auto answer = client.read_answer();
    EXPECT_TRUE(answer->complete);
    EXPECT_EQ(answer->body, "data: 0\n\ndata: 1\n\ndata: 2\n\ndata: [DONE]\n\n");
    EXPECT_EQ(answer->header("content-type"), "text/event-stream; charset=utf-8");
    EXPECT_EQ(answer->header("cache-control"), "no-cache");
    EXPECT_EQ(answer->header("x-accel-buffering"), "no");
}

TEST(EdgeAnswers, AStreamToHttp10EndsWithTheConnection) {
    TestServer server;
    RawClient client(server.port());
    client.send(get("/events/2", "Connection: keep-alive\r\n", "1.0"));
    const auto answer = client.read_answer();
    EXPECT_EQ(answer->header("transfer-encoding"), "");
    EXPECT_EQ(answer->header("connection"), "close");
    ASSERT_TRUE(client.read_until("data: [DONE]\n\n"));
    EXPECT_EQ(client.buffered(), "data: 0\n\ndata: 1\n\ndata: [DONE]\n\n");
}

TEST(EdgeAnswers, AnAbandonedStreamHasNoLastChunk) {
    TestServer server;
    RawClient client(server.port());
    client.send(get("/cut"));
    const auto answer = client.read_answer();
    EXPECT_FALSE(answer->complete);
    EXPECT_EQ(answer->body, "data: 0\n\n");
}

TEST(EdgeAnswers, AForgottenStreamEndsWithAnErrorEventAndNoLastChunk) {
    TestServer server;
    RawClient client(server.port());
    client.send(get("/unfinished"));
    const auto answer = client.read_answer();
    EXPECT_FALSE(answer->complete);
    EXPECT_NE(answer->body.find(R"(data: {"error":{"message":"internal error")"), std::string::npos) << answer->body;
}

TEST(EdgeAnswers, RequestIdsComeBackWhenTheyAreClean) {
    TestServer server;
    RawClient client(server.port());
    client.send(get("/ping", "X-Request-Id: abc-123\r\n"));
    EXPECT_EQ(client.read_answer()->header("x-request-id"), "abc-123");
    client.send(get("/ping", "X-Request-Id: a b\r\n"));
    EXPECT_EQ(client.read_answer()->header("x-request-id").rfind("req_", 0), 0U);
    client.send(get("/ping", "X-Request-Id: a\r\nX-Request-Id: b\r\n"));
    EXPECT_EQ(client.read_answer()->header("x-request-id").rfind("req_", 0), 0U);
}

TEST(EdgeAnswers, RefusalsSayWhatIsAllowedAndWanted) {
    TestServer server;
    RawClient client(server.port());
    client.send(
        "PUT /ping HTTP/1.1\r\nHost: a\r\n\r\nPOST /ping HTTP/1.1\r\nHost: a\r\n\r\nDELETE /locked HTTP/1.1\r\nHost: "
        "a\r\n\r\n");
    EXPECT_EQ(client.read_answer()->header("allow"), "GET, HEAD, POST, DELETE");
    EXPECT_EQ(client.read_answer()->header("allow"), "GET, HEAD");
    EXPECT_EQ(client.read_answer()->header("www-authenticate"), "Bearer");
}

TEST(EdgeAnswers, EveryFailureToIdentifyAsksTheAuthenticatorOnce) {
    TestServer server;
    RawClient client(server.port());
    for (const std::string& field :
         {std::string(), std::string("Authorization: Bearer x\r\n"), std::string("Authorization: Basic x\r\n")}) {
        const std::size_t before = server.keys().asked();
        client.send("DELETE /locked HTTP/1.1\r\nHost: a\r\n" + field + "\r\n");
        EXPECT_EQ(client.read_answer()->status, 401);
        EXPECT_EQ(server.keys().asked(), before + 1);
    }
}

TEST(EdgeAnswers, ContinueIsSentAfterTheChecksAndBeforeTheBody) {
    TestServer server;
    RawClient client(server.port());
    client.send("POST /locked HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + std::string(kKey) +
                "\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    ASSERT_TRUE(client.read_until("HTTP/1.1 100 Continue\r\n\r\n"));
    EXPECT_EQ(client.read_answer()->status, 100);
    client.send("{}");
    EXPECT_EQ(client.read_answer()->body, "testers");
}

TEST(EdgeAnswers, NoContinueForARequestThatIsRefused) {
    TestServer server;
    RawClient client(server.port());
    client.send("POST /locked HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(client.read_answer()->status, 401);
    EXPECT_TRUE(client.at_end());
}

TEST(EdgeAnswers, OnlyListedHostsAreServed) {
    ServerConfig config;
    config.allowed_hosts = {"sluice.test", "::1"};
    TestServer server(config);
    RawClient client(server.port());
    client.send(
        "GET /ping HTTP/1.1\r\nHost: SLUICE.test:99\r\n\r\nGET /ping HTTP/1.1\r\nHost: [::1]\r\n\r\nGET /ping "
        "HTTP/1.1\r\nHost: rebound.test\r\n\r\n");
    EXPECT_EQ(client.read_answer()->status, 200);
    EXPECT_EQ(client.read_answer()->status, 200);
    EXPECT_EQ(client.read_answer()->status, 421);
}

TEST(EdgeAnswers, AnErrorIsReadableEvenWhenMegabytesAreStillOnTheirWay) {
    TestServer server;
    for (int round = 0; round < 20; ++round) {
        RawClient client(server.port());
        client.send("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000000\r\n\r\n" +
                    std::string(3'000'000, 'x'));
        const auto answer = client.read_answer();
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->status, 413);
        EXPECT_TRUE(client.at_end());
    }
}

TEST(EdgeAnswers, PiecesOfOneByteMakeTheSameRequests) {
    TestServer server;
    RawClient client(server.port());
    const std::string bytes =
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + get("/ping");
    for (const char c : bytes) ASSERT_TRUE(client.send(std::string_view(&c, 1)));
    EXPECT_EQ(client.read_answer()->body, "ok");
    EXPECT_EQ(client.read_answer()->body, "pong");
}

TEST(EdgeAnswers, CountersFollow) {
    TestServer server;
    {
        RawClient client(server.port());
        client.send(get("/ping") + get("/nowhere") + "GET / HTTP/1.1\r\n\r\n");
        for (const int status : {200, 404, 400}) EXPECT_EQ(client.read_answer()->status, status);
        EXPECT_TRUE(client.at_end());
    }
    const ServerCounters& counters = server.server().counters();
    EXPECT_EQ(counters.accepted.load(), 1U);
    EXPECT_EQ(counters.requests.load(), 2U);
    EXPECT_EQ(counters.malformed.load(), 1U);
    EXPECT_EQ(counters.answers[2].load(), 1U);
    EXPECT_EQ(counters.answers[4].load(), 2U);
}

}  // namespace
}  // namespace sluice::gateway::testing
