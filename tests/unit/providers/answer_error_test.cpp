#include "providers/answer_error.hpp"

#include "providers/endpoint.hpp"

#include <gtest/gtest.h>

namespace sluice::providers {
namespace {

using core::Errc;
using std::chrono::seconds;

TEST(RetryAfter, IsSecondsOrADate) {
    const auto now = std::chrono::sys_days{std::chrono::year{2030} / 1 / 1} + std::chrono::hours(12);
    EXPECT_EQ(parse_retry_after("0", now), seconds(0));
    EXPECT_EQ(parse_retry_after("120", now), seconds(120));
    EXPECT_EQ(parse_retry_after("999999999999999999999", now), seconds(86'400));
    EXPECT_EQ(parse_retry_after("Tue, 01 Jan 2030 12:00:30 GMT", now), seconds(30));
    EXPECT_EQ(parse_retry_after("Tue, 01 Jan 2030 12:00:30 GMT", now - std::chrono::milliseconds(500)), seconds(31));
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), seconds(0));
    EXPECT_EQ(parse_retry_after("Fri, 31 Dec 2100 23:59:59 GMT", now), seconds(86'400));
    for (const char* bad :
         {"", "soon", "-1", "1.5", " 5", "5 ", "Tue, 32 Jan 2030 12:00:30 GMT", "Tue, 01 Foo 2030 12:00:30 GMT",
          "Tue, 01 Jan 2030 25:00:30 GMT", "Tue, 01 Jan 2030 12:00:30 UTC", "Tue, 01 Jan 2030 12:00:30"})
        EXPECT_EQ(parse_retry_after(bad, now), std::nullopt) << bad;
}

TEST(ErrorOfStatus, SaysWhoIsToBlame) {
    const auto code = [](int status) { return error_of_status(status, "", "").code; };
    for (const int status : {400, 404, 405, 409, 413, 415, 422, 451})
        EXPECT_EQ(code(status), Errc::UpstreamRejected) << status;
    for (const int status : {201, 204, 301, 302, 307, 401, 402, 403, 407, 408, 500, 502, 503, 504, 529})
        EXPECT_EQ(code(status), Errc::UpstreamFailed) << status;
    EXPECT_EQ(code(429), Errc::RateLimited);
    EXPECT_EQ(error_of_status(404, "", "").upstream_status, 404);
}

TEST(ErrorOfStatus, RepeatsNamesOfErrorsAndNothingElse) {
    const auto detail = [](std::string_view body) { return error_of_status(400, "", body).detail; };
    EXPECT_EQ(
        detail(
            R"({"error":{"type":"invalid_request_error","code":"context_length_exceeded","message":"you said: PROMPT"}})"),
        "the upstream answered with status 400 (invalid_request_error, context_length_exceeded)");
    const std::string bare = "the upstream answered with status 400";
    EXPECT_EQ(detail(R"({"error":{"type":"You said PROMPT","code":"PROMPT-4111"}})"), bare);
    EXPECT_EQ(detail(R"({"error":{"type":")" + std::string(49, 'a') + R"(","code":7}})"), bare);
    EXPECT_EQ(detail(R"({"error":"prompt"})"), bare);
    EXPECT_EQ(detail("prompt"), bare);
    EXPECT_EQ(detail(R"(["prompt"])"), bare);
    EXPECT_EQ(detail(""), bare);
}

TEST(ErrorInBand, KnowsRateLimits) {
    EXPECT_EQ(error_in_band(R"({"type":"rate_limit_error"})").code, Errc::RateLimited);
    EXPECT_EQ(error_in_band(R"({"code":"server_error"})").code, Errc::UpstreamFailed);
    EXPECT_EQ(error_in_band(R"("text with PROMPT")").detail, "the upstream reported an error inside its answer");
}

TEST(BaseUrl, IsTakenApart) {
    EXPECT_EQ(*parse_base_url("https://api.openai.com/v1"), (Endpoint{true, "api.openai.com", 443, "/v1"}));
    EXPECT_EQ(*parse_base_url("http://127.0.0.1:8000/v1//"), (Endpoint{false, "127.0.0.1", 8000, "/v1"}));
    EXPECT_EQ(*parse_base_url("http://[::1]:81"), (Endpoint{false, "::1", 81, ""}));
    EXPECT_EQ(*parse_base_url("https://h"), (Endpoint{true, "h", 443, ""}));
    EXPECT_EQ(parse_base_url("http://[::1]:81")->authority(), "[::1]:81");
    EXPECT_EQ(parse_base_url("https://h:443")->authority(), "h");
    EXPECT_EQ(parse_base_url("http://h:443")->authority(), "h:443");
}

TEST(BaseUrl, RefusesWhatCouldMeanSomethingElse) {
    for (const char* bad :
         {"", "h", "ftp://h", "https://", "https:///v1", "https://user@h", "https://h?x", "https://h/v1#x",
          "https://h:0", "https://h:65536", "https://h:80x", "https://h:", "https://h h", "https://h\r\nX: y",
          "https://h\\x", "http://[::1", "https://h/v 1", "https://\xc3\xa9"}) {
        const auto parsed = parse_base_url(bad);
        ASSERT_FALSE(parsed) << bad;
        EXPECT_EQ(parsed.error().field, "base_url");
    }
}

}  // namespace
}  // namespace sluice::providers
