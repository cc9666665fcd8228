#include "providers/request_body.hpp"

#include <gtest/gtest.h>

namespace sluice::providers {
namespace {

std::string body_of(const std::string& client, TokenLimitField limit = TokenLimitField::AsClient) {
    auto json = core::parse_json(client);
    auto request = core::ChatRequest::from_json(std::move(*json));
    EXPECT_TRUE(request) << client;
    const core::ServeOptions options{.model = "up\"stream",
                                     .max_tokens = 50,
                                     .deadline = core::Deadline::after(std::chrono::hours(1)),
                                     .request_id = "r"};
    return request_body(*request, options, limit);
}

TEST(RequestBody, KeepsUnknownMembersAndTheirOrderAndPutsOursInPlace) {
    EXPECT_EQ(
        body_of(
            R"({"zeta":{"b":1,"a":[]},"model":"auto","messages":[{"role":"user","content":"é"}],"max_tokens":900,"extra_body":null})"),
        R"({"zeta":{"b":1,"a":[]},"model":"up\"stream","messages":[{"role":"user","content":"é"}],"max_tokens":50,"extra_body":null})");
}

TEST(RequestBody, TheLimitIsAlwaysSentOnceUnderTheNameTheProviderTakes) {
    const std::string none = R"({"model":"m","messages":[{"role":"user","content":"x"}])";
    const auto begin = std::string(R"({"model":"up\"stream","messages":[{"role":"user","content":"x"}])");
    EXPECT_EQ(body_of(none + "}"), begin + R"(,"max_tokens":50})");
    EXPECT_EQ(body_of(none + R"(,"max_tokens":null})"), begin + R"(,"max_tokens":50})");
    EXPECT_EQ(body_of(none + R"(,"max_tokens":9,"max_completion_tokens":8})"),
              begin + R"(,"max_completion_tokens":50})");
    EXPECT_EQ(body_of(none + R"(,"max_tokens":9})", TokenLimitField::MaxCompletionTokens),
              begin + R"(,"max_completion_tokens":50})");
    EXPECT_EQ(body_of(none + R"(,"max_completion_tokens":9})", TokenLimitField::MaxTokens),
              begin + R"(,"max_tokens":50})");
}

TEST(RequestBody, StreamsAskForUsageAndKeepOtherStreamOptions) {
    const std::string begin = R"({"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":1,"stream":true)";
    const std::string sent =
        R"({"model":"up\"stream","messages":[{"role":"user","content":"x"}],"max_tokens":50,"stream":true)";
    EXPECT_EQ(body_of(begin + "}"), sent + R"(,"stream_options":{"include_usage":true}})");
    EXPECT_EQ(body_of(begin + R"(,"stream_options":{"x":1,"include_usage":false}})"),
              sent + R"(,"stream_options":{"x":1,"include_usage":true}})");
    EXPECT_EQ(body_of(begin + R"(,"stream_options":null})"), sent + R"(,"stream_options":{"include_usage":true}})");
}

TEST(RequestBody, PlainRequestsCarryNoStreamOptions) {
    EXPECT_EQ(
        body_of(
            R"({"model":"m","messages":[{"role":"user","content":"x"}],"stream_options":{"include_usage":true},"max_tokens":1})"),
        R"({"model":"up\"stream","messages":[{"role":"user","content":"x"}],"max_tokens":50})");
}

TEST(RequestBody, EmbeddingsHaveNoTokenLimit) {
    const auto request = core::ChatRequest::from_embeddings_json(*core::parse_json(R"({"model":"auto","input":["a"],"user":"u"})"));
    const core::ServeOptions options{.model = "vectors", .max_tokens = 0, .deadline = core::Deadline::after(std::chrono::hours(1)), .request_id = "r"};
    EXPECT_EQ(request_body(*request, options, TokenLimitField::AsClient), R"({"model":"vectors","input":["a"],"user":"u"})");
}

}  // namespace
}  // namespace sluice::providers
