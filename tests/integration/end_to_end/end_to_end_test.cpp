// The promises, with the real binary between a real client and a scripted cloud that records every byte it is sent.
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "core/json.hpp"
#include "policies/identity/identity_store.hpp"
#include "policies/usage_report.hpp"
#include "tests/integration/end_to_end/gateway_process.hpp"
#include "tests/support/scripted_upstream.hpp"

namespace sluice::testing {
namespace {

using core::Json;

std::string configuration(const ScriptedUpstream& cloud, const std::string& more = {}) {
    return "logging: {level: info}\nproviders:\n  - name: cloud\n    base_url: " + cloud.base_url() +
           "\n    api_key: provider-key\n    timeouts: {connect: 1s, first_byte: 1s, idle: 1s}\n"
           "    models: [{name: chat, input_price: \"0.5\", output_price: \"1.5\", context: 65536}]\n" + more;
}

std::string body(const std::string& text, bool stream = false, int max_tokens = 16, const std::string& model = "auto") {
    Json json{{"model", model}, {"max_tokens", max_tokens}, {"stream", stream}};
    json["messages"] = Json::array();
    json["messages"].push_back({{"role", "user"}, {"content", text}});
    return core::dump_json(json);
}

std::vector<std::pair<std::string, std::string>> bearer(const std::string& key, const std::string& id = {}) {
    std::vector<std::pair<std::string, std::string>> fields{{"Authorization", "Bearer " + key}};
    if (!id.empty()) fields.emplace_back("x-request-id", id);
    return fields;
}

constexpr const char* kChat = "/v1/chat/completions";

std::vector<policies::AuditRow> audit(const GatewayProcess& gateway) {
    auto reader = policies::LedgerReader::open(gateway.data());
    EXPECT_TRUE(reader) << core::describe(reader.error());
    auto rows = reader->audit({.team = std::nullopt, .limit = 1'000'000});
    EXPECT_TRUE(rows);
    EXPECT_TRUE(reader->verify()) << "the books do not verify";
    return *rows;
}

TEST(EndToEnd, APrivateRequestIsAnsweredHereAndAPublicOneInTheCloud) {
    ScriptedUpstream cloud;
    GatewayProcess gateway{configuration(cloud)};
    const auto key = gateway.add_team("research");
    gateway.start();

    const auto open = ask(gateway.port(), "POST", kChat, body("Why is the sky blue?"), bearer(key));
    EXPECT_EQ(open.status, 200) << open.body;
    EXPECT_EQ(open.fields.at("x-sluice-zone"), "cloud");
    EXPECT_EQ(open.fields.at("x-sluice-target"), "cloud/chat");

    const auto secret = ask(gateway.port(), "POST", kChat, body("Is my card 4111 1111 1111 1111 valid?"), bearer(key));
    EXPECT_EQ(secret.status, 200) << secret.body;
    EXPECT_EQ(secret.fields.at("x-sluice-zone"), "local");
    EXPECT_EQ(secret.fields.at("x-sluice-data-class"), "restricted");
    EXPECT_FALSE((*core::parse_json(secret.body))["choices"][0]["message"]["content"].get<std::string>().empty());
    EXPECT_EQ(cloud.counts().requests, 1U);
    EXPECT_FALSE(cloud.received_contains("4111"));
    EXPECT_FALSE(cloud.received_contains(key));

    const auto decision = ask(gateway.port(), "GET", "/v1/decisions/" + secret.fields.at("x-sluice-decision"), {}, bearer(key));
    ASSERT_EQ(decision.status, 200);
    const auto record = *core::parse_json(decision.body);
    EXPECT_EQ(record["findings"][0]["type"], "CREDIT_CARD");
    EXPECT_GT(record["cost_nano_usd"].get<std::int64_t>(), 0);
    EXPECT_EQ(decision.body.find("4111"), std::string::npos);

    const auto explained = ask(gateway.port(), "POST", "/v1/route", body("my SSN is 536-90-4399"), bearer(key));
    EXPECT_EQ((*core::parse_json(explained.body))["zone"], "local");
    EXPECT_EQ(ask(gateway.port(), "GET", "/v1/models", {}, bearer(key)).status, 200);
    EXPECT_EQ(ask(gateway.port(), "GET", "/metrics").status, 200);
    EXPECT_EQ(gateway.log().find("4111"), std::string::npos);
    EXPECT_EQ(gateway.log().find("sky blue"), std::string::npos);
    EXPECT_EQ(gateway.stop(), 0);

    const auto rows = audit(gateway);
    ASSERT_EQ(rows.size(), 2U);
    const auto bill = cloud.bill();
    ASSERT_EQ(bill.size(), 1U);
    EXPECT_EQ(rows[1].charge.value, bill[0].usage.prompt * 500 + bill[0].usage.completion * 1500);
}

TEST(EndToEnd, StreamsArriveWholeAndEndWithDone) {
    ScriptedUpstream cloud;
    GatewayProcess gateway{configuration(cloud)};
    const auto key = gateway.add_team("research");
    gateway.start();
    for (const auto* text : {"Why is the sky blue?", "Is my card 4111 1111 1111 1111 valid?"}) {
        const auto answer = ask(gateway.port(), "POST", kChat, body(text, true), bearer(key));
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.fields.at("content-type").substr(0, 17), "text/event-stream");
        EXPECT_TRUE(answer.body.ends_with("data: [DONE]\n\n")) << answer.body;
        EXPECT_NE(answer.body.find("\"finish_reason\":\""), std::string::npos);
    }
    const auto cut = ask(gateway.port(), "POST", kChat, body("[[fault:no-done]] tell me more", true), bearer(key));
    EXPECT_EQ(cut.body.find("[DONE]"), std::string::npos);
    EXPECT_EQ(gateway.stop(), 0);
}

TEST(EndToEnd, WrongKeysAndBadBodiesGetOpenAiErrors) {
    ScriptedUpstream cloud;
    GatewayProcess gateway{configuration(cloud, "engine: {enabled: false}\n")};
    const auto key = gateway.add_team("research");
    gateway.start();
    const auto code = [](const HttpAnswer& answer) { return (*core::parse_json(answer.body))["error"]["code"]; };
    EXPECT_EQ(ask(gateway.port(), "POST", kChat, body("hi")).status, 401);
    EXPECT_EQ(ask(gateway.port(), "POST", kChat, body("hi"), bearer("sk-sluice-wrong")).status, 401);
    EXPECT_EQ(ask(gateway.port(), "POST", kChat, "{", bearer(key)).status, 400);
    const auto field = ask(gateway.port(), "POST", kChat, R"({"model":"auto","messages":[{"role":"king","content":"x"}]})", bearer(key));
    EXPECT_EQ(field.status, 400);
    EXPECT_EQ((*core::parse_json(field.body))["error"]["param"], "messages[0].role");
    const auto unknown = ask(gateway.port(), "POST", kChat, body("hi", false, 5, "cloud/chta"), bearer(key));
    EXPECT_EQ(unknown.status, 404);
    EXPECT_EQ(code(unknown), "model_not_found");
    EXPECT_NE(unknown.body.find("cloud/chat"), std::string::npos);
    // No local model: a private request is refused, never sent.
    EXPECT_EQ(ask(gateway.port(), "POST", kChat, body("card 4111 1111 1111 1111"), bearer(key)).status, 403);
    EXPECT_EQ(cloud.counts().requests, 0U);
}

TEST(EndToEnd, ARevokedKeyIsRefusedWithinASecondWithoutRestart) {
    ScriptedUpstream cloud;
    GatewayProcess gateway{configuration(cloud, "engine: {enabled: false}\n")};
    const auto key = gateway.add_team("research");
    gateway.start();
    EXPECT_EQ(ask(gateway.port(), "GET", "/v1/models", {}, bearer(key)).status, 200);
    gateway.run({"keys", "revoke", "1"});
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    int status = 200;
    while (status != 401 && std::chrono::steady_clock::now() < end) status = ask(gateway.port(), "GET", "/v1/models", {}, bearer(key)).status;
    EXPECT_EQ(status, 401);
}

TEST(EndToEnd, ACapIsNeverPassedByConcurrentRequests) {
    ScriptedUpstream cloud;
    GatewayProcess gateway{configuration(cloud, "engine: {enabled: false}\ncache: {backend: \"off\"}\n")};
    const auto key = gateway.add_team("small", {"--daily", "0.001"});
    gateway.start();
    std::atomic<int> served{0};
    std::atomic<int> refused{0};
    std::vector<std::jthread> clients;
    for (int i = 0; i < 200; ++i)
        clients.emplace_back([&, i] {
            const auto answer = ask(gateway.port(), "POST", kChat, body("question " + std::to_string(i), i % 2 == 0), bearer(key));
            if (answer.status == 200) ++served;
            if (answer.status == 402) ++refused;
        });
    clients.clear();
    EXPECT_EQ(served + refused, 200);
    EXPECT_GT(served, 0);
    EXPECT_GT(refused, 0);
    EXPECT_EQ(gateway.stop(), 0);
    std::int64_t spent = 0;
    for (const auto& row : audit(gateway)) spent += row.charge.value;
    EXPECT_LE(spent, 1'000'000);
}

// Every finished call of the cloud has exactly one entry, with at least the usage it billed.
void expect_books_match(const GatewayProcess& gateway, const ScriptedUpstream& cloud, bool killed) {
    std::map<std::string, std::int64_t> tokens;  // by request id, from decisions
    std::size_t recovered = 0;
    for (const auto& row : audit(gateway)) {
        if (row.settled_by == "recovery") ++recovered;
        if (row.settled_by.empty() || row.decision_json.empty()) continue;
        const auto decision = *core::parse_json(row.decision_json);
        if (!decision.contains("usage")) continue;  // a hold that recovery settled
        const auto& usage = decision["usage"];
        const auto [at, fresh] = tokens.emplace(decision["request_id"].get<std::string>(),
                                                usage["prompt_tokens"].get<std::int64_t>() + usage["completion_tokens"].get<std::int64_t>());
        EXPECT_TRUE(fresh) << at->first << " is recorded twice";
    }
    std::set<std::string> missing;
    for (const auto& call : cloud.bill()) {
        const auto found = tokens.find(call.request_id);
        if (found == tokens.end()) {
            missing.insert(call.request_id);
            continue;
        }
        if (call.finished) {
            EXPECT_GE(found->second, call.usage.prompt + call.usage.completion) << call.request_id;
        }
    }
    EXPECT_LE(missing.size(), killed ? recovered : 0U) << "calls of the cloud without an entry";
}

TEST(EndToEnd, CanariesNeverReachTheCloudWhateverFails) {
    ScriptedUpstream cloud;
    GatewayProcess gateway{configuration(cloud, "cache: {backend: \"off\"}\n")};
    const auto key = gateway.add_team("research");
    gateway.start();
    const int total = std::getenv("SLUICE_FEW") != nullptr ? 1000 : 10'000;
    constexpr int kClients = 16;
    std::vector<std::string> usable;
    for (const auto& fault : fault_names())
        if (fault.find("hang") == std::string::npos && fault.find("drip") == std::string::npos && fault.find("slow") == std::string::npos) usable.push_back(fault);
    ASSERT_GT(usable.size(), 10U);
    std::atomic<int> next{0};
    std::atomic<int> answered{0};
    std::vector<std::jthread> clients;
    for (int c = 0; c < kClients; ++c)
        clients.emplace_back([&] {
            for (int i = next++; i < total; i = next++) {
                const bool secret = i % 4 == 0;
                const bool stream = i % 3 == 0;
                std::string text = "Request number " + std::to_string(i);
                if (secret) text += " canary-" + std::to_string(i) + " card 4111 1111 1111 1111";
                else if (i % 10 == 1) text += " [[fault:" + usable[static_cast<std::size_t>(i) % usable.size()] + "]]";
                const auto fields = bearer(key, "load-" + std::to_string(i));
                if (i % 17 == 3) {
                    ask_and_vanish(gateway.port(), kChat, body(text, stream, 2, "cloud/chat"), fields);
                    continue;
                }
                const auto answer = ask(gateway.port(), "POST", kChat, body(text, stream, 2, "cloud/chat"), fields);
                if (answer.status != 0) ++answered;
                if (secret && answer.status == 200) {
                    EXPECT_EQ(answer.fields.at("x-sluice-zone"), "local");
                }
            }
        });
    clients.clear();
    EXPECT_EQ(gateway.stop(), 0) << gateway.log().substr(0, 2000);
    EXPECT_GT(answered, total * 9 / 10);
    EXPECT_GT(cloud.counts().requests, static_cast<std::size_t>(total) / 2);
    EXPECT_FALSE(cloud.received_contains("canary-"));
    EXPECT_FALSE(cloud.received_contains("4111 1111"));
    EXPECT_EQ(gateway.log().find("canary-"), std::string::npos);
    expect_books_match(gateway, cloud, false);
}

TEST(EndToEnd, AfterKillUnderLoadTheLedgerHasEveryCallOfTheCloud) {
    ScriptedUpstream cloud;
    GatewayProcess gateway{configuration(cloud, "engine: {enabled: false}\ncache: {backend: \"off\"}\n")};
    const auto key = gateway.add_team("research");
    std::atomic<int> next{0};
    for (int round = 0; round < 5; ++round) {
        gateway.start();
        std::atomic<bool> ended{false};
        std::vector<std::jthread> clients;
        for (int c = 0; c < 8; ++c)
            clients.emplace_back([&] {
                while (!ended) {
                    const int i = next++;
                    ask(gateway.port(), "POST", kChat, body("question", i % 2 == 0), bearer(key, "kill-" + std::to_string(i)));
                }
            });
        const auto before = cloud.counts().finished;
        EXPECT_TRUE(cloud.wait_until([&](const UpstreamCounts& counts) { return counts.finished >= before + 100; }));
        gateway.kill();
        ended = true;
        clients.clear();
    }
    gateway.start();
    EXPECT_EQ(gateway.stop(), 0);
    EXPECT_GE(cloud.counts().finished, 500U);
    expect_books_match(gateway, cloud, true);
}

}  // namespace
}  // namespace sluice::testing
