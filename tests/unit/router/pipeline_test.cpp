#include "router/pipeline.hpp"

#include "fakes.hpp"

namespace sluice::router {
namespace {

using namespace testing;

constexpr std::string_view kPrices = R"(
models:
  - {provider: cloud, model: small, price: {input: "1", output: "2"}, source: test, as_of: "2026"}
  - {provider: cloud, model: large, price: {input: "10", output: "20"}, source: test, as_of: "2026"}
  - {provider: local, model: own, price: {input: "0.1", output: "0.1"}, source: test, as_of: "2026"}
)";

class PipelineTest : public ::testing::Test {
protected:
    PipelineTest() {
        for (const auto* name : {"cloud/small", "cloud/large"})
            targets.push_back({.entry = *catalogue.find(name), .zone = core::Zone::Cloud, .upstream_model = name, .backend = name == std::string{"cloud/small"} ? &small : &large});
        targets.push_back({.entry = *catalogue.find("local/own"), .zone = core::Zone::Local, .upstream_model = "own", .backend = static_cast<core::LocalBackend*>(&own)});
        small.scripts = {answers("small", 10, 5)};
        large.scripts = {answers("large", 10, 5)};
        own.scripts = {answers("own", 10, 5)};
    }

    Result<void> ask(const std::string& model, const std::string& text, bool stream = false, std::optional<core::DataClass> declared = {}) {
        core::Json body{{"model", model}, {"max_tokens", 100}, {"stream", stream}};
        body["messages"] = core::Json::array();
        body["messages"].push_back({{"role", "user"}, {"content", text}});
        return ask(*core::ChatRequest::from_json(std::move(body)), declared);
    }

    Result<void> embed(const std::string& model, const std::string& text) {
        core::Json body{{"model", model}, {"input", core::Json::array({"something", text})}};
        return ask(*core::ChatRequest::from_embeddings_json(std::move(body)), {});
    }

    Result<void> ask(core::ChatRequest chat, std::optional<core::DataClass> declared) {
        auto request = std::make_shared<const core::ChatRequest>(std::move(chat));
        client = std::make_unique<RememberingClient>();
        client->gone = client_gone;
        client->on_end = [this] { settled_before_end = !ledger.settled.empty() || !ledger.recorded.empty(); };
        PipelineConfig config;
        config.first_backoff = std::chrono::milliseconds{1};
        Pipeline pipeline{{.policies = in_force, .targets = targets, .catalogue = catalogue, .ledger = ledger,
                           .cache = nullptr, .cache_keys = nullptr, .health = health,
                           .observe = [this](const Decision& decision) { observed.push_back(decision); }},
                          config};
        Result<void> result;
        core::net::io_context loop;
        const Incoming incoming{.request = request, .caller = caller, .declared = declared,
                                .deadline = core::Deadline::after(std::chrono::seconds{5}), .request_id = "req"};
        auto run = [&]() -> core::awaitable<void> { result = co_await pipeline.run(incoming, *client); };
        core::net::co_spawn(loop, run(), core::net::detached);
        loop.run();
        return result;
    }

    const Decision& decision() const { return observed.back(); }
    std::size_t cloud_calls() const { return small.seen.size() + large.seen.size(); }

    policies::Catalogue catalogue = *policies::Catalogue::from_yaml(kPrices);
    policies::PolicyInForce in_force{*policies::PolicySet::make({}, {}, {})};
    AddingLedger ledger;
    BackendHealth health{3};
    SpyCloud small;
    SpyCloud large;
    SpyLocal own;
    Targets targets;
    std::shared_ptr<const core::Caller> caller = std::make_shared<core::Caller>(core::Caller{.team = {1}, .team_name = "t", .key = {1}, .key_name = "k", .floor = core::DataClass::Public, .team_caps = {}, .key_caps = {}});
    std::unique_ptr<RememberingClient> client;
    std::vector<Decision> observed;
    bool settled_before_end = false;
    bool client_gone = false;
};

TEST_F(PipelineTest, PublicTextGoesToTheCheapestCloudModel) {
    ASSERT_TRUE(ask("auto", "why is the sky blue?"));
    EXPECT_EQ(client->whole, R"({"b":"small"})");
    EXPECT_EQ(client->head.target, "cloud/small");
    EXPECT_EQ(decision().outcome, Outcome::Served);
    ASSERT_EQ(ledger.settled.size(), 1U);
    EXPECT_EQ(ledger.settled[0].charge.value, 10 * 1000 + 5 * 2000);
    EXPECT_LE(ledger.settled[0].charge, ledger.held);
    EXPECT_TRUE(settled_before_end);
}

TEST_F(PipelineTest, RestrictedTextNeverReachesACloudWhateverFails) {
    own.scripts = {breaks(core::Errc::Unavailable)};
    for (const auto* model : {"auto", "cloud/small", "cloud/large", "small"}) {
        EXPECT_FALSE(ask(model, "card 4111 1111 1111 1111"));
        EXPECT_EQ(decision().zone, core::Zone::Local);
        EXPECT_EQ(decision().data_class, core::DataClass::Restricted);
    }
    EXPECT_EQ(cloud_calls(), 0U);
    EXPECT_GT(own.seen.size(), 0U);
}

TEST_F(PipelineTest, DeclaredClassOnlyRaises) {
    ASSERT_TRUE(ask("auto", "harmless", false, core::DataClass::Restricted));
    EXPECT_EQ(client->head.zone, core::Zone::Local);
    ASSERT_TRUE(ask("auto", "card 4111 1111 1111 1111", false, core::DataClass::Public));
    EXPECT_EQ(client->head.zone, core::Zone::Local);
    EXPECT_EQ(cloud_calls(), 0U);
}

TEST_F(PipelineTest, AFailedTargetFallsBackWithinThePlan) {
    small.scripts = {breaks(core::Errc::UpstreamFailed)};
    ASSERT_TRUE(ask("auto", "hello"));
    EXPECT_EQ(client->whole, R"({"b":"large"})");
    ASSERT_EQ(decision().attempts.size(), 2U);
    EXPECT_EQ(decision().attempts[0].result, "upstream_failed");
    EXPECT_EQ(ledger.settled.at(0).charge.value, 10 * 10'000 + 5 * 20'000);
}

TEST_F(PipelineTest, AnExplicitModelIsRetriedAndNeverReplaced) {
    small.scripts = {breaks(core::Errc::UpstreamFailed), answers("small", 10, 5)};
    ASSERT_TRUE(ask("cloud/small", "hello"));
    EXPECT_EQ(small.seen.size(), 2U);
    small.scripts = {breaks(core::Errc::UpstreamFailed)};
    EXPECT_FALSE(ask("cloud/small", "hello"));
    EXPECT_EQ(large.seen.size(), 0U);
    EXPECT_EQ(own.seen.size(), 0U);
    EXPECT_EQ(ledger.settled.back().charge.value, 0);
}

TEST_F(PipelineTest, NothingIsRetriedOnceTheClientHasSeenAByte) {
    Script cut = answers("half", 0, 0);
    cut.outcome.result = failed(core::Errc::UpstreamFailed);
    cut.outcome.usage_known = false;
    cut.outcome.answer_bytes = 7;
    cut.outcome.retry_may_help = true;
    small.scripts = {cut};
    EXPECT_FALSE(ask("auto", "hello", true));
    EXPECT_EQ(small.seen.size(), 1U);
    EXPECT_EQ(large.seen.size(), 0U);
    EXPECT_FALSE(client->ended);
    EXPECT_EQ(client->failure, "scripted");
    ASSERT_EQ(ledger.settled.size(), 1U);
    EXPECT_TRUE(ledger.settled[0].estimated);
    EXPECT_EQ(ledger.settled[0].usage.completion, 7);
    EXPECT_GT(ledger.settled[0].charge.value, 0);
}

TEST_F(PipelineTest, StreamsEndOnlyAfterTheLedgerHasTheResult) {
    ASSERT_TRUE(ask("auto", "hello", true));
    EXPECT_TRUE(client->ended);
    EXPECT_TRUE(settled_before_end);
    EXPECT_EQ(client->chunks, std::vector<std::string>{R"({"c":"small"})"});
}

TEST_F(PipelineTest, OverBudgetAsksNobodyAndIsRecorded) {
    ledger.cap = core::NanoUsd{10};
    const auto result = ask("auto", "hello");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, core::Errc::BudgetExceeded);
    EXPECT_EQ(cloud_calls() + own.seen.size(), 0U);
    EXPECT_EQ(decision().outcome, Outcome::OverBudget);
    EXPECT_EQ(ledger.recorded.size(), 1U);
    EXPECT_TRUE(ledger.settled.empty());
}

TEST_F(PipelineTest, AGoneClientStartsNoWork) {
    client_gone = true;
    EXPECT_FALSE(ask("auto", "hello"));
    EXPECT_EQ(cloud_calls(), 0U);
    EXPECT_EQ(ledger.settled.at(0).charge.value, 0);
    EXPECT_EQ(decision().outcome, Outcome::Cancelled);
}

TEST_F(PipelineTest, UnknownModelsListNearNames) {
    const auto result = ask("cloud/smal", "hello");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, core::Errc::ModelNotFound);
    EXPECT_NE(result.error().detail.find("cloud/small"), std::string::npos);
}

TEST_F(PipelineTest, BlockedClassesAskNobody) {
    policies::TeamPolicy strict;
    strict.action_of = {core::Action::Cloud, core::Action::Cloud, core::Action::Block, core::Action::Block};
    const auto before = in_force.replace(*policies::PolicySet::make({}, strict, {}));
    const auto result = ask("auto", "card 4111 1111 1111 1111");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, core::Errc::Refused);
    EXPECT_EQ(cloud_calls() + own.seen.size(), 0U);
    EXPECT_EQ(decision().outcome, Outcome::Blocked);
    EXPECT_EQ(decision().policy_version, in_force.get()->version());
    EXPECT_NE(decision().policy_version, before->version());
}

TEST_F(PipelineTest, ARequestKeepsTheRulesItBeganWith) {
    const std::string began_with = in_force.get()->version();
    std::shared_ptr<const policies::PolicySet> before;
    own.before_answer = [&] {  // a reload in the midst of it
        before = in_force.replace(*policies::PolicySet::make({.cut = 0.99}, {}, {}));
        EXPECT_GT(before.use_count(), 1);
    };
    ASSERT_TRUE(ask("auto", "card 4111 1111 1111 1111"));
    EXPECT_EQ(decision().policy_version, began_with);
    EXPECT_EQ(decision().zone, core::Zone::Local);
    EXPECT_EQ(before.use_count(), 1);
    own.before_answer = {};
    ASSERT_TRUE(ask("auto", "card 4111 1111 1111 1111"));
    EXPECT_EQ(decision().policy_version, in_force.get()->version());
    EXPECT_EQ(decision().data_class, core::DataClass::Public);
}

TEST_F(PipelineTest, DecisionsHoldNoText) {
    ASSERT_TRUE(ask("auto", "canary-4711 card 4111 1111 1111 1111"));
    const std::string json = to_json(decision());
    EXPECT_EQ(json.find("canary-4711"), std::string::npos);
    EXPECT_EQ(json.find("4111"), std::string::npos);
    EXPECT_NE(json.find("CREDIT_CARD"), std::string::npos);
}

TEST_F(PipelineTest, ABilledAttemptExtendsTheHoldBeforeTheNext) {
    Script billed = breaks(core::Errc::UpstreamFailed);
    billed.outcome.answered = true;
    small.scripts = {billed, answers("small", 10, 5)};
    ASSERT_TRUE(ask("cloud/small", "hello"));
    EXPECT_GT(ledger.settled.at(0).charge.value, 10 * 1000 + 5 * 2000);
    EXPECT_LE(ledger.settled.at(0).charge, ledger.held);
    ledger.cap = core::NanoUsd{1};
}

TEST_F(PipelineTest, EmbeddingsAreClassifiedPricedAndForwardedLikeChats) {
    small.scripts = {answers("vector", 10, 0)};
    ASSERT_TRUE(embed("cloud/small", "why is the sky blue?"));
    EXPECT_EQ(client->head.target, "cloud/small");
    ASSERT_EQ(ledger.settled.size(), 1U);
    EXPECT_EQ(ledger.settled[0].charge.value, 10 * 1000);
    EXPECT_LE(ledger.settled[0].charge, ledger.held);
}

TEST_F(PipelineTest, SensitiveTextsAreNotEmbeddedInACloudNorByAnotherModel) {
    for (const auto* model : {"cloud/small", "small"}) {
        const auto refused = embed(model, "card 4111 1111 1111 1111");
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, core::Errc::Refused);
    }
    EXPECT_EQ(cloud_calls(), 0U);
    EXPECT_TRUE(own.seen.empty());  // its vectors would not fit those of the model asked for
    ASSERT_TRUE(embed("local/own", "card 4111 1111 1111 1111"));
    EXPECT_EQ(decision().data_class, core::DataClass::Restricted);
    EXPECT_EQ(cloud_calls(), 0U);
}

TEST_F(PipelineTest, EmbeddingsNameTheirModel) {
    const auto refused = embed("auto", "x");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().field, "model");
}

}  // namespace
}  // namespace sluice::router
