#include "gateway/demo_cloud/demo_cloud.hpp"

#include "gateway/cli/http_client.hpp"
#include "gateway/config/model_entries.hpp"

#include <gmock/gmock.h>

namespace sluice::gateway {
namespace {

using core::Json;
using ::testing::HasSubstr;

struct Answer {
    int status = 0;
    std::string type;
    std::string body;
    Json json() const { return core::parse_json(body).value(); }
};

class DemoCloudTest : public ::testing::Test {
protected:
    Answer post(const std::string& body, const std::string& path = "/v1/chat/completions",
                const std::string& method = "POST") {
        Answer answer;
        cli::HttpCall request{
            .url = cli::parse_url("http://127.0.0.1:" + std::to_string(cloud_->port()) + path).value(),
            .method = method,
            .headers = {{"Content-Type", "application/json"}},
            .body = body};
        const auto done = cli::call(
            request,
            [&](const cli::HttpHead& head) -> core::Result<void> {
                answer.status = head.status;
                answer.type = head.headers.contains("content-type") ? head.headers.at("content-type") : "";
                return {};
            },
            [&](std::string_view bytes) -> core::Result<void> {
                answer.body += bytes;
                return {};
            });
        EXPECT_TRUE(done) << core::describe(done.error());
        return answer;
    }
    static std::vector<std::string> events(const std::string& body) {
        std::vector<std::string> found;
        for (std::size_t at = 0; at < body.size();) {
            const std::size_t end = body.find("\n\n", at);
            EXPECT_EQ(body.substr(at, 6), "data: ");
            found.push_back(body.substr(at + 6, end - at - 6));
            at = end == std::string::npos ? body.size() : end + 2;
        }
        return found;
    }

    std::unique_ptr<DemoCloud> cloud_ = DemoCloud::start().value();
};

TEST_F(DemoCloudTest, SaysWhatItIsAndHowMuchItWasSent) {
    const std::string body = R"({"model":"demo-chat","messages":[{"role":"user","content":"a secret canary"}]})";
    const Answer answer = post(body);
    ASSERT_EQ(answer.status, 200) << answer.body;
    const Json json = answer.json();
    EXPECT_EQ(json.at("object"), "chat.completion");
    const std::string text = json.at("choices").at(0).at("message").at("content").get<std::string>();
    EXPECT_THAT(text, HasSubstr("demo cloud"));
    EXPECT_THAT(text, HasSubstr(std::to_string(body.size()) + " bytes with 1 message."));
    EXPECT_EQ(answer.body.find("canary"), std::string::npos);
    EXPECT_GT(json.at("usage").at("prompt_tokens").get<int>(), 0);
    EXPECT_GT(json.at("usage").at("completion_tokens").get<int>(), 10);
}

TEST_F(DemoCloudTest, StreamsTheSameTextWithUsageWhenAsked) {
    const std::string head = R"({"model":"demo-chat","messages":[{"role":"user","content":"hi"}],"stream":true)";
    const Answer answer = post(head + R"(,"stream_options":{"include_usage":true}})");
    ASSERT_EQ(answer.status, 200);
    EXPECT_THAT(answer.type, HasSubstr("text/event-stream"));
    const auto all = events(answer.body);
    ASSERT_GT(all.size(), 5U);
    EXPECT_EQ(all.back(), "[DONE]");
    std::string text;
    for (std::size_t i = 0; i + 2 < all.size(); ++i) {
        const Json choice = core::parse_json(all[i])->at("choices").at(0);
        text += choice.at("delta").value("content", "");
    }
    EXPECT_THAT(text, HasSubstr("a script, not a model"));
    EXPECT_TRUE(core::parse_json(all[all.size() - 2])->contains("usage"));
    for (const std::string& event : events(post(head + "}").body)) EXPECT_EQ(event.find("usage"), std::string::npos);
}

TEST_F(DemoCloudTest, CallsAToolOnceAndThenAnswersInText) {
    const std::string tools =
        R"("tools":[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"b"}}])";
    const std::string ask = R"({"role":"user","content":"x"})";
    const std::string model = R"({"model":"demo-chat",)" + tools;
    const auto choice = [&](const std::string& rest) { return post(model + rest).json().at("choices").at(0); };

    const Json first = choice(R"(,"messages":[)" + ask + "]}");
    EXPECT_EQ(first.at("finish_reason"), "tool_calls");
    EXPECT_EQ(first.at("message").at("tool_calls").at(0).at("function").at("name"), "a");
    const Json named =
        choice(R"(,"tool_choice":{"type":"function","function":{"name":"b"}},"messages":[)" + ask + "]}");
    EXPECT_EQ(named.at("message").at("tool_calls").at(0).at("function").at("name"), "b");
    EXPECT_EQ(choice(R"(,"tool_choice":"none","messages":[)" + ask + "]}").at("finish_reason"), "stop");
    const Json after =
        choice(R"(,"messages":[)" + ask + R"(,{"role":"tool","tool_call_id":"call_demo","content":"7"}]})");
    EXPECT_EQ(after.at("finish_reason"), "stop");
}

TEST_F(DemoCloudTest, HonoursLimitAndChoices) {
    const Json json =
        post(R"({"model":"demo-chat","max_tokens":3,"n":2,"messages":[{"role":"user","content":"x"}]})").json();
    ASSERT_EQ(json.at("choices").size(), 2U);
    EXPECT_EQ(json.at("choices").at(1).at("message").at("content"), "This is the");
    EXPECT_EQ(json.at("choices").at(1).at("finish_reason"), "length");
    EXPECT_EQ(json.at("usage").at("completion_tokens"), 6);
}

TEST_F(DemoCloudTest, RefusesInTheOpenAiShape) {
    EXPECT_EQ(post("{").status, 400);
    EXPECT_EQ(post(R"({"model":"demo-chat"})").status, 400);
    const Answer unknown = post(R"({"model":"gpt-9","messages":[{"role":"user","content":"x"}]})");
    EXPECT_EQ(unknown.status, 404);
    EXPECT_EQ(unknown.json().at("error").at("param"), "model");
    EXPECT_EQ(post("", "/v1/models", "GET").json().at("data").at(0).at("id"), "demo-chat");
}

TEST_F(DemoCloudTest, IsAProviderWithAPrice) {
    const ProviderSettings provider = cloud_->provider();
    EXPECT_EQ(provider.base_url, "http://127.0.0.1:" + std::to_string(cloud_->port()) + "/v1");
    const auto catalogue = policies::Catalogue::from_yaml(policies::Catalogue::embedded());
    const auto entries = model_entries(provider, *catalogue, "demo");
    ASSERT_TRUE(entries);
    EXPECT_EQ(entries->at(0).name, "demo-cloud/demo-chat");
    EXPECT_EQ(entries->at(0).input, core::parse_price("0.14").value());
    EXPECT_EQ(entries->at(0).output, core::parse_price("0.28").value());
}

TEST(DemoCloudStart, ATakenPortIsAnError) {
    const auto first = DemoCloud::start();
    ASSERT_TRUE(first);
    const auto second = DemoCloud::start({"127.0.0.1", (*first)->port()});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, core::Errc::Unavailable);
}

}  // namespace
}  // namespace sluice::gateway
