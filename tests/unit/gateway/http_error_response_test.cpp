#include "core/json.hpp"
#include "gateway/http/error_response.hpp"
#include "gateway/http/response_head.hpp"

#include <gtest/gtest.h>

namespace sluice::gateway {
namespace {

using core::Errc;
using core::Error;

core::Json parsed(const std::string& text) {
    return core::parse_json(text).value().at("error");
}

TEST(ErrorResponse, EveryCodeHasAStatusAndAType) {
    struct Row {
        Errc code;
        int status;
        std::string_view type;
    };
    for (const Row& row :
         {Row{Errc::InvalidRequest, 400, "invalid_request_error"}, Row{Errc::Unauthorized, 401, "authentication_error"},
          Row{Errc::BudgetExceeded, 402, "insufficient_quota"}, Row{Errc::Forbidden, 403, "permission_error"},
          Row{Errc::Refused, 403, "permission_error"}, Row{Errc::NotFound, 404, "invalid_request_error"},
          Row{Errc::ModelNotFound, 404, "invalid_request_error"}, Row{Errc::TooLarge, 413, "invalid_request_error"},
          Row{Errc::Unsupported, 415, "invalid_request_error"}, Row{Errc::RateLimited, 429, "rate_limit_error"},
          Row{Errc::UpstreamRejected, 502, "api_error"}, Row{Errc::UpstreamFailed, 502, "api_error"},
          Row{Errc::Timeout, 504, "api_error"}, Row{Errc::Unavailable, 503, "api_error"},
          Row{Errc::Cancelled, 503, "api_error"}, Row{Errc::Corrupt, 500, "api_error"},
          Row{Errc::Internal, 500, "api_error"}}) {
        const ErrorKind kind = error_kind({.code = row.code, .detail = "x"});
        EXPECT_EQ(kind.status, row.status);
        EXPECT_EQ(kind.type, row.type);
        EXPECT_FALSE(kind.code.empty());
    }
}

TEST(ErrorResponse, HasTheOpenAiShape) {
    const auto error = parsed(
        error_json(Error{.code = Errc::InvalidRequest, .detail = "must be a \"string\"", .field = "messages[2].role"}));
    EXPECT_EQ(error.size(), 4U);
    EXPECT_EQ(error.at("message").get<std::string>(), "messages[2].role: must be a \"string\"");
    EXPECT_EQ(error.at("param").get<std::string>(), "messages[2].role");
    EXPECT_EQ(error.at("code").get<std::string>(), "invalid_request");
    EXPECT_TRUE(parsed(error_json(Error{.code = Errc::Timeout, .detail = {}})).at("param").is_null());
}

TEST(ErrorResponse, DetailsOfOurOwnFaultsStayHere) {
    const std::string text =
        error_json(Error{.code = Errc::Internal, .detail = "/var/lib/sluice: disk full", .field = "ledger"});
    EXPECT_EQ(text.find("disk"), std::string::npos);
    EXPECT_EQ(text.find("ledger"), std::string::npos);
}

TEST(ErrorResponse, AProvidersRefusalIsTheClientsMistakeOnlyWhenItBlamesTheRequest) {
    EXPECT_EQ(error_kind({.code = Errc::UpstreamRejected, .detail = {}, .upstream_status = 400}).status, 400);
    EXPECT_EQ(error_kind({.code = Errc::UpstreamRejected, .detail = {}, .upstream_status = 422}).status, 422);
    EXPECT_EQ(error_kind({.code = Errc::UpstreamRejected, .detail = {}, .upstream_status = 401}).status, 502);
    EXPECT_EQ(error_kind({.code = Errc::UpstreamRejected, .detail = {}, .upstream_status = 403}).status, 502);
}

TEST(ErrorResponse, AnEventCarriesTheSameObject) {
    const std::string event = error_event(Error{.code = Errc::UpstreamFailed, .detail = "cut"});
    ASSERT_EQ(event.rfind("data: ", 0), 0U);
    ASSERT_EQ(event.substr(event.size() - 2), "\n\n");
    EXPECT_EQ(parsed(event.substr(6)).at("code").get<std::string>(), "upstream_failed");
}

TEST(ResponseHead, IsFramedOnceAndInOrder) {
    std::string out;
    const std::vector<Header> headers{{"x-sluice-zone", "local"}};
    append_head(out,
                {.status = 200,
                 .content_type = "text/plain",
                 .content_length = 5,
                 .request_id = "req_1",
                 .persistence = Persistence::Close},
                headers);
    EXPECT_EQ(out.rfind("HTTP/1.1 200 OK\r\ndate: ", 0), 0U);
    EXPECT_NE(out.find("\r\ncontent-length: 5\r\n"), std::string::npos);
    EXPECT_NE(out.find("\r\nx-request-id: req_1\r\nconnection: close\r\nx-sluice-zone: local\r\n\r\n"),
              std::string::npos);
    EXPECT_EQ(out.find("transfer-encoding"), std::string::npos);
}

TEST(ResponseHead, HandlersMayNotFrameOrInject) {
    for (const Header& bad :
         {Header{"content-length", "5"}, Header{"Transfer-Encoding", "chunked"}, Header{"connection", "close"},
          Header{"x-a", "b\r\nc: d"}, Header{"x a", "b"}, Header{"", "b"}}) {
        EXPECT_FALSE(valid_headers(std::span(&bad, 1))) << bad.name;
    }
    const Header good{"x-sluice-decision", "dec_1"};
    EXPECT_TRUE(valid_headers(std::span(&good, 1)));
}

TEST(ResponseHead, DatesAreImfFixdate) {
    const std::string_view date = http_date();
    ASSERT_EQ(date.size(), 29U);
    EXPECT_EQ(date.substr(3, 2), ", ");
    EXPECT_EQ(date.substr(25), " GMT");
}

TEST(ResponseHead, RequestIdsDiffer) {
    const std::string one = make_request_id();
    EXPECT_EQ(one.size(), 36U);
    EXPECT_NE(one, make_request_id());
}

}  // namespace
}  // namespace sluice::gateway
