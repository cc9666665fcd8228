// Engines that come and go, and what cannot be loaded.
#include "engine_fixture.hpp"
#include "local_engine/model_set.hpp"

#include <algorithm>
#include <utility>

namespace sluice::local_engine {
namespace {

TEST_F(EngineTest, ModelsComeAndGoWithoutARequestBeingDropped) {
    Call expected{chat({{"seed", 2}, {"ignore_eos", true}}), 150};
    serve(expected);
    ModelSet models;
    core::LocalBackend& first = models.declare("first", tiny());
    core::LocalBackend& second = models.declare("second", tiny("qwen3-n-Q8_0"));
    Call early{chat()};
    start(early, first);
    run();
    EXPECT_EQ(early.outcome.result.error().code, Errc::Unavailable);
    EXPECT_TRUE(early.outcome.retry_may_help);
    EXPECT_FALSE(early.outcome.reached);
    ASSERT_TRUE(models.load("first"));
    ASSERT_TRUE(models.load("second"));
    EXPECT_EQ(models.load("third").error().code, Errc::NotFound);

    Call running{chat({{"seed", 2}, {"ignore_eos", true}, {"stream", true}}), 150};
    // All of it with the first text: into how many pieces the rest is cut depends on how busy the machine is.
    bool first_text = true;
    running.reply.on_events = [&] {
        if (!std::exchange(first_text, false)) return;
        EXPECT_TRUE(models.load("first"));        // replaced
        EXPECT_TRUE(models.unload("first"));      // and gone
        EXPECT_EQ(models.list()[0].leaving, 1U);  // but for this request
    };
    Call other{chat({{"seed", 9}})};
    start(running, first);
    start(other, second);
    run();
    ASSERT_TRUE(running.outcome.result) << core::describe(running.outcome.result.error());
    ASSERT_TRUE(other.outcome.result);
    EXPECT_EQ(running.reply.text(), expected.reply.whole.at("choices")[0].at("message").at("content"));
    models.sweep();
    const auto states = models.list();
    ASSERT_EQ(states.size(), 2U);
    EXPECT_FALSE(states[0].loaded);
    EXPECT_EQ(states[0].leaving, 0U);
    EXPECT_TRUE(states[1].loaded);
    EXPECT_EQ(states[1].info->architecture, "qwen3");
}

TEST_F(EngineTest, WhatDoesNotFitIsRefusedWithTheNumbersBeforeItIsLoaded) {
    const auto plan = plan_memory(tiny());
    ASSERT_TRUE(plan);
    EXPECT_GT(plan->weights, 100000U);
    EXPECT_GE(plan->cache, 1U << 20U);
    EXPECT_EQ(plan->context, 4096);
    ModelSet models(plan->total() + plan->total() / 2);
    models.declare("a", tiny());
    models.declare("b", tiny());
    ASSERT_TRUE(models.load("a"));
    const auto refused = models.load("b");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::Unavailable);
    EXPECT_NE(refused.error().detail.find("weights"), std::string::npos) << refused.error().detail;
    ASSERT_TRUE(models.unload("a"));
    EXPECT_TRUE(models.load("b"));
}

TEST_F(EngineTest, EveryBundledModelLoadsAndAnswers) {
    for (const std::string& name : testing::bundled_names()) {
        load(tiny(name));
        EXPECT_GT(engine_->info().parameters, 100000) << name;
        EXPECT_EQ(engine_->info().context_length, name.starts_with("llama4") ? 16384 : 4096) << name;
        Call call{chat()};
        serve(call);
        EXPECT_TRUE(call.outcome.result) << name;
    }
}

TEST(EngineLoad, WrongSettingsAndFilesAreNamed) {
    const auto missing = Engine::load({.model = "/nonexistent.gguf"});
    ASSERT_FALSE(missing);
    EngineConfig config{.model = testing::bundled_goldens() / "qwen3-n-Q8_0.gguf"};
    config.instruction_set = "abacus";
    EXPECT_EQ(Engine::load(config).error().field, "instruction_set");
    config.instruction_set = "";
    config.kv_bytes = 10;
    EXPECT_EQ(Engine::load(config).error().field, "kv_bytes");
    config.kv_bytes = 0;
    config.step_tokens = 0;
    EXPECT_EQ(Engine::load(config).error().field, "step_tokens");
}

}  // namespace
}  // namespace sluice::local_engine
