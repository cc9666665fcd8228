// Redaction, restore and conversation memory with the real binary: what the cloud is sent and what the client gets
// back.
#include "core/json.hpp"
#include "tests/integration/end_to_end/gateway_process.hpp"
#include "tests/support/echo_answer.hpp"
#include "tests/support/redis_server.hpp"

#include <gtest/gtest.h>

namespace sluice::testing {
namespace {

using core::Json;

constexpr const char* kChat = "/v1/chat/completions";
const std::string kText = "Write to anna@berg.net about card 4111 1111 1111 1111, Zoë; \"again\": anna@berg.net.";

std::string configuration(const ScriptedUpstream& cloud, const std::string& policy, const std::string& more = {}) {
    return "logging: {level: info}\nproviders:\n  - name: cloud\n    base_url: " + cloud.base_url() +
           "\n    api_key: provider-key\n    timeouts: {connect: 1s, first_byte: 1s, idle: 1s}\n"
           "    models: [{name: chat, input_price: \"0.5\", output_price: \"1.5\", context: 65536}]\npolicies:\n  "
           "default:\n" +
           policy + more;
}
const std::string kRedact = "    actions: {confidential: redact, restricted: redact}\n";

std::vector<std::pair<std::string, std::string>> bearer(const std::string& key) {
    return {{"Authorization", "Bearer " + key}};
}

Json message(const std::string& role, const std::string& text) {
    return Json{{"role", role}, {"content", text}};
}

std::string body(std::vector<Json> messages, bool stream = false) {
    Json json{{"model", "auto"}, {"max_tokens", 16}, {"stream", stream}, {"messages", Json::array()}};
    for (auto& one : messages) json["messages"].push_back(std::move(one));
    return core::dump_json(json);
}

struct Said {
    std::string content;
    std::string arguments;
};

// What an official client puts together.
Said said(const HttpAnswer& answer, bool stream) {
    Said out;
    const auto add = [&](const Json& part) {
        if (part.contains("content") && part["content"].is_string()) out.content += part["content"].get<std::string>();
        if (part.contains("tool_calls"))
            for (const auto& call : part["tool_calls"])
                out.arguments += call["function"]["arguments"].get<std::string>();
    };
    if (!stream) {
        const auto json = core::parse_json(answer.body);
        if (json && json->contains("choices")) add((*json)["choices"][0]["message"]);
        return out;
    }
    for (std::size_t at = answer.body.find("data: {"); at != std::string::npos;
         at = answer.body.find("data: {", at + 1)) {
        const auto event =
            core::parse_json(std::string_view{answer.body}.substr(at + 6, answer.body.find('\n', at) - at - 6));
        if (event && event->contains("choices") && !(*event)["choices"].empty()) add((*event)["choices"][0]["delta"]);
    }
    return out;
}

TEST(EndToEndRedaction, TheClientSeesItsValuesAndTheCloudPlaceholdersOnly) {
    ScriptedUpstream cloud{
        {.script = [](const UpstreamRequest& request) { return echo_answer(request, 1 + request.number % 7); }}};
    GatewayProcess gateway{configuration(cloud, kRedact)};
    const auto key = gateway.add_team("research");
    gateway.start();
    std::string decision;
    for (const bool stream : {false, true}) {
        for (int round = 0; round < 7; ++round) {
            const auto answer = ask(gateway.port(), "POST", kChat, body({message("user", kText)}, stream), bearer(key));
            ASSERT_EQ(answer.status, 200) << answer.body;
            EXPECT_EQ(answer.fields.at("x-sluice-zone"), "cloud");
            EXPECT_EQ(answer.fields.at("x-sluice-data-class"), "restricted");
            EXPECT_EQ(answer.fields.at("x-sluice-cache"), "off");
            EXPECT_EQ(said(answer, stream).content, kText);
            EXPECT_TRUE(!stream || answer.body.ends_with("data: [DONE]\n\n")) << answer.body;
            decision = answer.fields.at("x-sluice-decision");
        }
    }
    EXPECT_EQ(cloud.counts().requests, 14U);
    EXPECT_TRUE(cloud.received_contains("[EMAIL_1_"));
    EXPECT_TRUE(cloud.received_contains("[CREDIT_CARD_1_"));
    for (const auto* value : {"berg", "4111", "anna"}) {
        EXPECT_FALSE(cloud.received_contains(value)) << value;
        EXPECT_EQ(gateway.log().find(value), std::string::npos) << value;
    }
    const auto record = ask(gateway.port(), "GET", "/v1/decisions/" + decision, {}, bearer(key));
    const auto json = core::parse_json(record.body).value();
    EXPECT_EQ(json["action"], "redact");
    EXPECT_EQ(json["redaction"]["masked"]["EMAIL"], 2);
    EXPECT_EQ(json["redaction"]["restored"], 3);
    EXPECT_EQ(record.body.find("berg"), std::string::npos);
    const auto metrics = ask(gateway.port(), "GET", "/metrics").body;
    EXPECT_NE(metrics.find("sluice_action_total{action=\"redact\"} 14"), std::string::npos);
    EXPECT_NE(metrics.find("sluice_masked_values_total 42"), std::string::npos);
    EXPECT_NE(metrics.find("sluice_restored_values_total 42"), std::string::npos);
    const auto explained = ask(gateway.port(), "POST", "/v1/route", body({message("user", kText)}), bearer(key));
    const auto route = core::parse_json(explained.body).value();
    EXPECT_EQ(route["action"], "redact");
    EXPECT_EQ(route["zone"], "cloud");
    EXPECT_EQ(cloud.counts().requests, 14U);
    EXPECT_EQ(gateway.stop(), 0);
}

TEST(EndToEndRedaction, ToolCallArgumentsComeBackAsTheJsonTheyWere) {
    ScriptedUpstream cloud{{.script = [](const UpstreamRequest& request) { return echo_answer(request, 3); }}};
    GatewayProcess gateway{configuration(cloud, kRedact)};
    const auto key = gateway.add_team("research");
    gateway.start();
    const Json arguments{
        {"to", Json::array({"anna@berg.net", "bob@berg.net"})}, {"text", "card \"4111 1111 1111 1111\"\n"}, {"n", 3}};
    const Json call{{"role", "assistant"},
                    {"content", nullptr},
                    {"tool_calls",
                     Json::array({Json{{"id", "c"},
                                       {"type", "function"},
                                       {"function", {{"name", "send"}, {"arguments", core::dump_json(arguments)}}}}})}};
    for (const bool stream : {false, true}) {
        const Json result{{"role", "tool"}, {"tool_call_id", "c"}, {"content", R"({"sent": "anna@berg.net"})"}};
        const auto answer =
            ask(gateway.port(), "POST", kChat, body({message("user", "send it"), call, result}, stream), bearer(key));
        ASSERT_EQ(answer.status, 200) << answer.body;
        const auto got = said(answer, stream);
        EXPECT_EQ(got.content, R"({"sent": "anna@berg.net"})");
        const auto parsed = core::parse_json(got.arguments);
        ASSERT_TRUE(parsed) << got.arguments;
        EXPECT_EQ(*parsed, arguments);
    }
    EXPECT_FALSE(cloud.received_contains("berg"));
    EXPECT_FALSE(cloud.received_contains("4111"));
    EXPECT_EQ(gateway.stop(), 0);
}

TEST(EndToEndRedaction, CredentialsAreAnsweredHereAndTheSummaryOfTheAnswerToo) {
    ScriptedUpstream cloud{{.script = [](const UpstreamRequest& request) { return echo_answer(request); }}};
    GatewayProcess gateway{configuration(cloud, kRedact)};
    const auto key = gateway.add_team("research");
    const auto other = gateway.add_team("other");
    gateway.start();
    const auto answer =
        ask(gateway.port(), "POST", kChat,
            body({message("user", "Remember: the password is hunter2Xy!z, mail anna@berg.net")}), bearer(key));
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.fields.at("x-sluice-zone"), "local");
    const std::string text = said(answer, false).content;
    ASSERT_GE(text.size(), 16U) << "the demo model said too little to remember: " << text;
    const auto later = ask(gateway.port(), "POST", kChat,
                           body({message("assistant", text), message("user", "Shorten that.")}), bearer(key));
    ASSERT_EQ(later.status, 200) << later.body;
    EXPECT_EQ(later.fields.at("x-sluice-zone"), "local");
    EXPECT_EQ(later.fields.at("x-sluice-data-class"), "restricted");
    EXPECT_EQ(cloud.counts().requests, 0U);
    const auto free = ask(gateway.port(), "POST", kChat,
                          body({message("assistant", text), message("user", "Shorten that.")}), bearer(other));
    EXPECT_EQ(free.fields.at("x-sluice-zone"), "cloud");
    EXPECT_EQ(gateway.stop(), 0);
}

TEST(EndToEndRedaction, MemoryInRedisOutlivesTheGateway) {
    if (!RedisServer::installed())
        GTEST_SKIP() << "NO redis-server ON THIS MACHINE: conversation memory in Redis is not tested";
    RedisServer redis;
    ScriptedUpstream cloud{{.script = [](const UpstreamRequest& request) { return echo_answer(request); }}};
    GatewayProcess gateway{configuration(
        cloud, "    memory: {store: redis}\n",
        "cache: {redis_url: \"redis://127.0.0.1:" + std::to_string(redis.port()) + "\", redis_timeout: 2s}\n")};
    const auto key = gateway.add_team("research");
    gateway.start();
    const auto answer =
        ask(gateway.port(), "POST", kChat, body({message("user", "Is card 4111 1111 1111 1111 valid?")}), bearer(key));
    ASSERT_EQ(answer.status, 200) << answer.body;
    const std::string text = said(answer, false).content;
    ASSERT_GE(text.size(), 16U) << text;
    EXPECT_EQ(gateway.stop(), 0);
    gateway.start();
    const auto later = ask(gateway.port(), "POST", kChat,
                           body({message("assistant", text), message("user", "Shorten that.")}), bearer(key));
    EXPECT_EQ(later.fields.at("x-sluice-zone"), "local") << later.body;
    const auto fresh =
        ask(gateway.port(), "POST", kChat, body({message("user", "What is the capital of France?")}), bearer(key));
    EXPECT_EQ(fresh.fields.at("x-sluice-zone"), "cloud") << fresh.body;
    redis.kill();
    const auto unknown =
        ask(gateway.port(), "POST", kChat, body({message("user", "What is the capital of Spain?")}), bearer(key));
    EXPECT_EQ(unknown.fields.at("x-sluice-zone"), "local") << unknown.body;
    EXPECT_EQ(gateway.stop(), 0);
}

}  // namespace
}  // namespace sluice::testing
