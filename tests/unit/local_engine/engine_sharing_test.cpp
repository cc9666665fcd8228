// The engine from request to reply: what requests share, and clients and deadlines that end before their answer.
#include "engine_fixture.hpp"

#include <algorithm>

namespace sluice::local_engine {
namespace {

TEST_F(EngineTest, TheSameBeginningIsComputedOnceForATeamAndChangesNoBit) {
    const std::string content(400, 'q');
    const Json wanted{{"seed", 12}, {"temperature", 1.3}, {"logprobs", true}, {"top_logprobs", 5}};
    EngineConfig config = tiny();
    config.prefix_cache = false;
    load(config);
    Call plain{chat(wanted, content), 90};
    serve(plain);
    EXPECT_EQ(plain.outcome.usage.cached, 0);
    load(tiny());
    Call first{chat(wanted, content), 90};
    serve(first);
    Call again{chat(wanted, content), 90};
    serve(again);
    Call stranger{chat(wanted, content), 90};
    stranger.tenant = "other";
    serve(stranger);
    EXPECT_EQ(first.outcome.usage.cached, 0);
    EXPECT_GE(again.outcome.usage.cached, 64);
    EXPECT_EQ(stranger.outcome.usage.cached, 0);
    for (const Call* call : {&first, &again, &stranger}) {
        ASSERT_TRUE(call->outcome.result);
        EXPECT_EQ(call->reply.whole.at("choices"), plain.reply.whole.at("choices"));
    }
    EXPECT_EQ(again.reply.whole.at("usage").at("prompt_tokens_details").at("cached_tokens"),
              again.outcome.usage.cached);
}

TEST_F(EngineTest, GuessingChangesNoTextAndIsSometimesRight) {
    // Three tokens that are much likelier than all others: what comes next has often stood behind the same three
    // before.
    const auto ask = [&](double temperature) {
        return chat({{"temperature", temperature},
                     {"seed", 5},
                     {"ignore_eos", true},
                     {"logit_bias", {{"97", 60}, {"98", 60}, {"99", 60}}}});
    };
    EngineConfig config = tiny();
    config.guesses = false;
    load(config);
    std::vector<Json> expected;
    for (const double temperature : {0.0, 0.7, 2.0}) {
        Call call{ask(temperature), 200};
        serve(call);
        expected.push_back(call.reply.whole.at("choices"));
    }
    EXPECT_EQ(engine_->status().guessed_tokens, 0U);
    load(tiny());
    std::size_t next = 0;
    for (const double temperature : {0.0, 0.7, 2.0}) {
        Call call{ask(temperature), 200};
        serve(call);
        EXPECT_EQ(call.reply.whole.at("choices"), expected[next++]) << temperature;
        EXPECT_EQ(call.outcome.usage.completion, 200);
    }
    EXPECT_GT(engine_->status().guessed_tokens, 0U);
    EXPECT_GT(engine_->status().right_guesses, 0U);
    EXPECT_LE(engine_->status().right_guesses, engine_->status().guessed_tokens);
}

TEST_F(EngineTest, AClientThatGoesStopsItsSequenceAndKeepsTheCount) {
    Call call{chat({{"stream", true}, {"ignore_eos", true}}), 3000};
    call.reply.on_events = [&] {
        if (call.reply.chunks.size() > 4) call.cancel.emit(core::net::cancellation_type::terminal);
    };
    Call other{chat({{"seed", 1}})};
    start(other);
    serve(call);
    ASSERT_FALSE(call.outcome.result);
    EXPECT_EQ(call.outcome.result.error().code, Errc::Cancelled);
    EXPECT_TRUE(call.outcome.usage_known && call.outcome.reached);
    EXPECT_GT(call.outcome.usage.completion, 0);
    EXPECT_TRUE(other.outcome.result);
    wait_until_idle();
    EXPECT_EQ(engine_->status().pages_used, 0U);
}

TEST_F(EngineTest, AReplyThatFailsEndsTheAnswerWithItsError) {
    Call call{chat({{"stream", true}, {"ignore_eos", true}}), 3000};  // random text must not end before it fails
    call.reply.fail_after = 3;
    serve(call);
    ASSERT_FALSE(call.outcome.result);
    EXPECT_EQ(call.outcome.result.error().code, Errc::Cancelled);
    wait_until_idle();
    EXPECT_EQ(engine_->status().running, 0U);
}

TEST_F(EngineTest, ADeadlineEndsAnAnswerThatTakesTooLong) {
    Call call{chat({{"temperature", 0}, {"logit_bias", Json::object()}}, "Hello"), 3900, std::chrono::milliseconds(0)};
    serve(call);
    ASSERT_FALSE(call.outcome.result);
    EXPECT_EQ(call.outcome.result.error().code, Errc::Timeout);
}

TEST_F(EngineTest, AFullQueueRefusesAndTheOthersFinish) {
    EngineConfig config = tiny();
    config.max_running = 1;
    config.max_waiting = 2;
    load(config);
    std::vector<std::unique_ptr<Call>> calls;
    for (int i = 0; i < 8; ++i) {
        calls.push_back(std::unique_ptr<Call>(new Call{chat({{"seed", i}}), 200}));
        start(*calls.back());
    }
    run();
    const auto served = std::ranges::count_if(calls, [](const auto& call) { return call->outcome.result.has_value(); });
    EXPECT_GE(served, 2);
    EXPECT_LT(served, 8);
    for (const auto& call : calls) {
        if (call->outcome.result) continue;
        EXPECT_EQ(call->outcome.result.error().code, Errc::Unavailable);
        EXPECT_TRUE(call->outcome.result.error().retry_after);
        EXPECT_FALSE(call->outcome.reached);
        EXPECT_TRUE(call->outcome.retry_may_help);
    }
}

TEST_F(EngineTest, AWaitingStreamGetsHeartbeats) {
    EngineConfig config = tiny();
    config.max_running = 1;
    config.heartbeat = std::chrono::seconds(0);
    load(config);
    Call first{chat({{"temperature", 0}}), 300};
    Call second{chat({{"stream", true}}), 5};
    start(first);
    start(second);
    run();
    EXPECT_GT(second.reply.heartbeats, 0);
    EXPECT_TRUE(second.outcome.result);
}

TEST_F(EngineTest, ManyRequestsThroughASmallCacheAllFinishAlike) {
    EngineConfig config = tiny();
    config.kv_bytes = 6 * 2 * 64 * 64 * 2 * 2;  // six pages of 64 tokens, 64 values, keys and values, two layers
    config.max_running = 6;
    load(config);
    std::vector<std::unique_ptr<Call>> calls;
    for (int i = 0; i < 10; ++i) {
        calls.push_back(std::unique_ptr<Call>(new Call{chat({{"seed", 3}, {"temperature", 1.3}}), 250}));
        start(*calls.back());
    }
    run();
    for (const auto& call : calls) {
        ASSERT_TRUE(call->outcome.result) << core::describe(call->outcome.result.error());
        EXPECT_EQ(call->reply.whole.at("choices"), calls.front()->reply.whole.at("choices"));
    }
}

}  // namespace
}  // namespace sluice::local_engine
