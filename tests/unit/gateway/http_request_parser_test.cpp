#include "gateway/http/guards.hpp"
#include "gateway/http/request_parser.hpp"

#include <gtest/gtest.h>

namespace sluice::gateway {
namespace {

using Progress = RequestParser::Progress;

// Feeds `bytes` in pieces of `piece` bytes, keeping what was not consumed, as a session does. True when a request came
// out.
struct Fed {
    HttpRequest request;
    HttpLimits limits;
    RequestParser parser{request, limits};
    Progress progress = Progress::NeedMore;
    std::string rest;  // not consumed

    Fed(std::string_view bytes, std::size_t piece, std::size_t max_body = 1 << 20U) {
        bool header = true;
        parser.limit_body(max_body);
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
            rest += bytes.substr(at, piece);
            bool moved = true;
            while (moved) {
                std::size_t consumed = 0;
                progress = header ? parser.parse_header(rest, consumed) : parser.parse_body(rest, consumed);
                rest.erase(0, consumed);
                if (progress == Progress::Refused) return;
                moved = header && progress == Progress::Done && !parser.complete();
                if (progress == Progress::Done) header = false;
            }
            if (parser.complete()) {
                rest += bytes.substr(std::min(at + piece, bytes.size()));
                return;
            }
        }
    }
};

const std::string kChunked =
    "POST /v1/chat HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\nNEXT";
const std::string kCounted = "POST /v1/chat?q=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello worldNEXT";

class EveryPieceSize : public ::testing::TestWithParam<std::size_t> {};

TEST_P(EveryPieceSize, GivesTheSameRequest) {
    for (const std::string& bytes : {kChunked, kCounted}) {
        Fed fed(bytes, GetParam());
        ASSERT_EQ(fed.progress, Progress::Done);
        ASSERT_TRUE(fed.parser.complete());
        EXPECT_EQ(fed.request.method, "POST");
        EXPECT_EQ(fed.request.body, "hello world");
        EXPECT_EQ(fed.request.headers["host"], "a");
        EXPECT_EQ(fed.rest, "NEXT");
        EXPECT_EQ(fed.request.headers.count("x-sum"), 0U) << "a trailer became a header";
    }
}
INSTANTIATE_TEST_SUITE_P(Sizes, EveryPieceSize, ::testing::Range<std::size_t>(1, 160));

// Beast alone ends the program when these are cut behind the first three or four bytes.
TEST_P(EveryPieceSize, GivesTheSameEmptyBody) {
    for (const std::string end : {"0\r\n\r\n", "0;last\r\n\r\n", "00\r\n\r\n", "0\r\nX-Sum: 1\r\n\r\n"}) {
        Fed fed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + end + "NEXT", GetParam());
        ASSERT_TRUE(fed.parser.complete()) << end;
        EXPECT_EQ(fed.request.body, "");
        EXPECT_EQ(fed.rest, "NEXT");
    }
}

TEST(RequestParser, RefusesTheSameBytesInEveryPieceSize) {
    const std::vector<std::pair<std::string, int>> samples{
        {"GET / HTTP/1.1\r\nA: b\r\n c: d\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nA: b\r\n\r\n", 505},
        {"GET / HTTP/1.1\r\nA b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400},
        {"GET / HTTP/1.1\nA: b\r\n\r\n", 400},
    };
    for (const auto& [bytes, status] : samples) {
        for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
            Fed fed(bytes, piece);
            ASSERT_EQ(fed.progress, Progress::Refused) << bytes << " in pieces of " << piece;
            EXPECT_EQ(fed.parser.refusal().status, status) << bytes << " in pieces of " << piece;
        }
    }
}

TEST(RequestParser, HeaderOfManyPiecesIsBoundedAsAWhole) {
    std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < 60; ++i) bytes += "X-" + std::to_string(i) + ": " + std::string(700, 'x') + "\r\n";
    for (const std::size_t piece : {1U, 100U, 1000U, 4096U, 100'000U}) {
        Fed fed(bytes, piece);
        ASSERT_EQ(fed.progress, Progress::Refused) << piece;
        EXPECT_EQ(fed.parser.refusal().status, 431);
    }
}

TEST(RequestParser, AChunkedBodyIsBoundedByTheRoute) {
    Fed fed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n", 7,
            9);
    ASSERT_EQ(fed.progress, Progress::Refused);
    EXPECT_EQ(fed.parser.refusal().status, 413);
    EXPECT_LE(fed.request.body.size(), 9U);
}

TEST(RequestParser, ADiscardedBodyIsCountedAndNotKept) {
    HttpRequest request;
    const HttpLimits limits;
    RequestParser parser(request, limits);
    std::size_t consumed = 0;
    ASSERT_EQ(parser.parse_header("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", consumed), Progress::Done);
    parser.limit_body(10);
    parser.discard_body();
    ASSERT_EQ(parser.parse_body("helloGET", consumed), Progress::Done);
    EXPECT_EQ(consumed, 5U);
    EXPECT_EQ(parser.body_bytes(), 5U);
    EXPECT_TRUE(request.body.empty());
}

TEST(RequestParser, CountsTheFieldsThatDecide) {
    Fed fed("GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\nAuthorization: x\r\nAuthorization: y\r\nExpect: z\r\n\r\n", 1000);
    ASSERT_EQ(fed.progress, Progress::Done);
    EXPECT_EQ(fed.parser.counts().host, 2U);
    EXPECT_EQ(fed.parser.counts().authorization, 2U);
    EXPECT_EQ(fed.parser.counts().expect, 1U);
    EXPECT_EQ(fed.parser.counts().content_length, 0U);
}

TEST(Guards, MayWriteOnlyCleanHeaderValues) {
    EXPECT_TRUE(valid_header_value("plain, with \"quotes\"\tand tabs"));
    EXPECT_FALSE(valid_header_value("a\r\nb"));
    EXPECT_FALSE(valid_header_value("a\nb"));
    EXPECT_FALSE(valid_header_value(std::string_view("a\0b", 3)));
    EXPECT_FALSE(valid_header_value("a\x7f"));
    EXPECT_TRUE(valid_header_name("x-sluice-zone"));
    EXPECT_FALSE(valid_header_name("x sluice"));
    EXPECT_FALSE(valid_header_name("x:"));
    EXPECT_FALSE(valid_header_name(""));
}

TEST(Guards, RequestIdsOfClientsAreShortAndPlain) {
    EXPECT_TRUE(valid_request_id("req_01.A:b-c"));
    EXPECT_FALSE(valid_request_id(""));
    EXPECT_FALSE(valid_request_id("a b"));
    EXPECT_FALSE(valid_request_id("<script>"));
    EXPECT_FALSE(valid_request_id(std::string(129, 'a')));
}

TEST(Guards, MethodsAreOfferedUnofferedOrUnknown) {
    EXPECT_FALSE(check_method("GET"));
    EXPECT_FALSE(check_method("DELETE"));
    EXPECT_EQ(check_method("PUT")->status, 405);
    EXPECT_EQ(check_method("PROPFIND")->status, 405);
    EXPECT_EQ(check_method("Get")->status, 501);
}

}  // namespace
}  // namespace sluice::gateway
