// The engine from request to reply, on the tiny models of tests/data/engine: they talk nonsense, but always the same.
#include "local_engine/engine.hpp"

#include "core/json.hpp"
#include "golden.hpp"

#include <boost/asio.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <thread>
#include <vector>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Json;

class RecordedReply final : public core::ReplySink {
public:
    core::awaitable<core::Result<void>> events(std::span<const std::string_view> views) override {
        for (const std::string_view view : views) chunks.push_back(core::parse_json(view).value());
        if (on_events) on_events();
        if (fail_after >= 0 && std::ssize(chunks) > fail_after)
            co_return core::Error{Errc::Cancelled, "connection closed"};
        co_return core::Result<void>{};
    }
    core::awaitable<core::Result<void>> body(std::string json) override {
        whole = core::parse_json(json).value();
        co_return core::Result<void>{};
    }
    core::awaitable<core::Result<void>> heartbeat() override {
        ++heartbeats;
        co_return core::Result<void>{};
    }
    bool client_gone() const override { return gone; }

    std::string text(int choice = 0) const {
        std::string all;
        for (const Json& chunk : chunks) {
            for (const Json& part : chunk.at("choices")) {
                if (part.at("index") == choice) all += part.at("delta").value("content", "");
            }
        }
        return all;
    }

    std::vector<Json> chunks;
    Json whole;
    int heartbeats = 0;
    int fail_after = -1;
    bool gone = false;
    std::function<void()> on_events;
};

core::ChatRequest chat(const Json& more = Json::object(), const std::string& content = "Hello there") {
    Json body{{"model", "tiny"}, {"messages", Json::array({{{"role", "user"}, {"content", content}}})}};
    body.update(more);
    return core::ChatRequest::from_json(std::move(body)).value();
}

struct Call {
    core::ChatRequest request;
    core::Tokens max_tokens = 20;
    std::chrono::milliseconds time{60000};
    std::string tenant = "t";
    RecordedReply reply = {};
    core::ServeOutcome outcome = {};
    core::net::cancellation_signal cancel = {};
};

// As gateway sessions do it: cancellation shows as an error code.
core::awaitable<void> session(Engine& engine, Call& call) {
    co_await core::net::this_coro::throw_if_cancelled(false);
    const core::ServeOptions options{.model = "tiny",
                                     .max_tokens = call.max_tokens,
                                     .deadline = core::Deadline::after(call.time),
                                     .request_id = "r1",
                                     .tenant = call.tenant};
    call.outcome = co_await engine.serve(call.request, options, call.reply);
}

class EngineTest : public ::testing::Test {
protected:
    static EngineConfig tiny(const std::string& name = "qwen3moe-n-Q8_0") {
        return {.model = testing::bundled_goldens() / (name + ".gguf"), .threads = 1};
    }

    void load(const EngineConfig& config) {
        auto loaded = Engine::load(config);
        ASSERT_TRUE(loaded) << core::describe(loaded.error());
        engine_ = std::move(*loaded);
    }
    void SetUp() override { load(tiny()); }

    void start(Call& call) {
        core::net::co_spawn(loop_, session(*engine_, call),
                            core::net::bind_cancellation_slot(call.cancel.slot(), [](std::exception_ptr failure) {
                                if (failure) std::rethrow_exception(failure);
                            }));
    }
    void run() {
        loop_.restart();
        loop_.run();
    }
    // The whole of one call.
    void serve(Call& call) {
        start(call);
        run();
    }
    void wait_until_idle() {
        for (int i = 0; i < 5000 && (engine_->status().running + engine_->status().waiting) > 0; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }

    core::net::io_context loop_;
    std::unique_ptr<Engine> engine_;
};

TEST_F(EngineTest, APlainAnswerIsOneCompletionWithExactUsage) {
    Call call{chat({{"seed", 1}})};
    serve(call);
    ASSERT_TRUE(call.outcome.result) << core::describe(call.outcome.result.error());
    const Json& whole = call.reply.whole;
    EXPECT_EQ(whole.at("object"), "chat.completion");
    EXPECT_EQ(whole.at("id"), "chatcmpl-r1");
    EXPECT_EQ(whole.at("model"), "tiny");
    EXPECT_EQ(whole.at("choices").size(), 1U);
    EXPECT_EQ(whole.at("choices")[0].at("message").at("role"), "assistant");
    EXPECT_EQ(whole.at("choices")[0].at("finish_reason"), call.outcome.finish_reason);
    EXPECT_EQ(whole.at("usage").at("completion_tokens"), call.outcome.usage.completion);
    EXPECT_GT(call.outcome.usage.prompt, 5);
    EXPECT_LE(call.outcome.usage.completion, 20);
    EXPECT_TRUE(call.outcome.usage_known && call.outcome.reached && call.outcome.answered);
    EXPECT_FALSE(call.outcome.usage.estimated);
}

TEST_F(EngineTest, AStreamSaysTheSameAsAPlainAnswerAndEndsWithReasonThenUsage) {
    Call plain{chat({{"seed", 5}})};
    serve(plain);
    Call stream{chat({{"seed", 5}, {"stream", true}, {"stream_options", {{"include_usage", true}}}})};
    serve(stream);
    ASSERT_TRUE(stream.outcome.result);
    EXPECT_EQ(stream.reply.text(), plain.reply.whole.at("choices")[0].at("message").at("content"));
    EXPECT_EQ(stream.outcome.usage, plain.outcome.usage);
    const auto& chunks = stream.reply.chunks;
    ASSERT_GE(chunks.size(), 3U);
    EXPECT_EQ(chunks.front().at("choices")[0].at("delta").at("role"), "assistant");
    for (const Json& chunk : chunks) EXPECT_EQ(chunk.at("object"), "chat.completion.chunk");
    EXPECT_TRUE(chunks.back().at("choices").empty());
    EXPECT_EQ(chunks.back().at("usage").at("prompt_tokens"), stream.outcome.usage.prompt);
    EXPECT_EQ(chunks[chunks.size() - 2].at("choices")[0].at("finish_reason"), stream.outcome.finish_reason);
}

TEST_F(EngineTest, TheSameSeedGivesTheSameTextWhateverElseRuns) {
    Call alone{chat({{"seed", 77}, {"temperature", 1.5}})};
    serve(alone);
    std::vector<std::unique_ptr<Call>> crowd;
    for (int i = 0; i < 12; ++i) {
        const Json seed{{"seed", i % 3 == 0 ? 77 : i}, {"temperature", 1.5}};
        crowd.push_back(std::unique_ptr<Call>(
            new Call{chat(seed, i % 3 == 0 ? "Hello there" : std::string(static_cast<std::size_t>(40 * i), 'x'))}));
        start(*crowd.back());
    }
    run();
    for (std::size_t i = 0; i < crowd.size(); i += 3) {
        EXPECT_EQ(crowd[i]->reply.whole.at("choices"), alone.reply.whole.at("choices"));
    }
}

TEST_F(EngineTest, AStopStringEndsTheAnswerBeforeIt) {
    Call free{chat({{"temperature", 0}})};
    serve(free);
    const auto text = free.reply.whole.at("choices")[0].at("message").at("content").get<std::string>();
    ASSERT_GT(text.size(), 6U);
    std::size_t at = 2;  // a stop string of whole characters from the middle
    while ((static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) ++at;
    std::size_t end = at + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) ++end;
    const std::string stop = text.substr(at, end - at);
    Call stopped{chat({{"temperature", 0}, {"stop", stop}})};
    serve(stopped);
    EXPECT_EQ(stopped.outcome.finish_reason, "stop");
    EXPECT_EQ(stopped.reply.whole.at("choices")[0].at("message").at("content"), text.substr(0, text.find(stop)));
    EXPECT_LT(stopped.outcome.usage.completion, free.outcome.usage.completion);
}

TEST_F(EngineTest, AForcedCallComesBackAsACallPlainAndStreamed) {
    const Json tools = Json::array({{{"type", "function"}, {"function", {{"name", "look_up"}}}}});
    const Json forced{{"tools", tools},
                      {"tool_choice", {{"type", "function"}, {"function", {{"name", "look_up"}}}}},
                      {"seed", 3}};
    Call plain{chat(forced)};
    serve(plain);
    ASSERT_TRUE(plain.outcome.result) << core::describe(plain.outcome.result.error());
    const Json& choice = plain.reply.whole.at("choices")[0];
    const Json& call = choice.at("message").at("tool_calls").at(0);
    EXPECT_EQ(call.at("type"), "function");
    EXPECT_EQ(call.at("function").at("name"), "look_up");
    EXPECT_TRUE(choice.at("finish_reason") == "tool_calls" || choice.at("finish_reason") == "length");
    Json more = forced;
    more["stream"] = true;
    Call stream{chat(more)};
    serve(stream);
    ASSERT_TRUE(stream.outcome.result);
    std::string arguments;
    for (const Json& chunk : stream.reply.chunks) {
        const Json& delta = chunk.at("choices")[0].at("delta");
        if (delta.contains("tool_calls")) {
            arguments += delta.at("tool_calls")[0].at("function").value("arguments", "");
        }
    }
    EXPECT_EQ(arguments, call.at("function").at("arguments").get<std::string>());
    EXPECT_EQ(stream.outcome.usage, plain.outcome.usage);
}

TEST_F(EngineTest, SeveralChoicesAreSeparateAnswers) {
    Call call{chat({{"n", 3}, {"seed", 4}, {"stream", true}, {"temperature", 1.2}})};
    serve(call);
    ASSERT_TRUE(call.outcome.result);
    EXPECT_NE(call.reply.text(0), call.reply.text(1));
    EXPECT_NE(call.reply.text(1), call.reply.text(2));
    EXPECT_GT(call.outcome.usage.completion, 20);
    Call again{chat({{"n", 3}, {"seed", 4}, {"stream", true}, {"temperature", 1.2}})};
    serve(again);
    for (int choice = 0; choice < 3; ++choice) EXPECT_EQ(again.reply.text(choice), call.reply.text(choice));
}

TEST_F(EngineTest, APromptLongerThanTheContextIsRefusedWithBothNumbers) {
    EngineConfig config = tiny();
    config.context_limit = 100;
    load(config);
    Call call{chat(Json::object(), std::string(5000, 'y'))};
    serve(call);
    ASSERT_FALSE(call.outcome.result);
    const core::Error& error = call.outcome.result.error();
    EXPECT_EQ(error.code, Errc::InvalidRequest);
    EXPECT_EQ(error.field, "messages");
    EXPECT_NE(error.detail.find("100 tokens"), std::string::npos) << error.detail;
    EXPECT_FALSE(call.outcome.reached);

    Call fits{chat(), 5000};  // the answer is clipped to what is left
    serve(fits);
    ASSERT_TRUE(fits.outcome.result);
    EXPECT_LE(fits.outcome.usage.prompt + fits.outcome.usage.completion, 100);
}

TEST_F(EngineTest, FieldsThatCannotBeHonouredAreRefusedByName) {
    for (const auto& [field, value] :
         std::vector<std::pair<std::string, Json>>{{"top_k", -7},
                                                   {"min_p", 2},
                                                   {"min_p", "x"},
                                                   {"tool_choice", "required"},
                                                   {"logprobs", true},
                                                   {"response_format", {{"type", "json_object"}}},
                                                   {"logit_bias", {{"99999999", 1}}},
                                                   {"repetition_penalty", 0}}) {
        Call call{chat({{field, value}})};
        serve(call);
        ASSERT_FALSE(call.outcome.result) << field;
        EXPECT_EQ(call.outcome.result.error().code, Errc::InvalidRequest);
        EXPECT_EQ(call.outcome.result.error().field, field);
    }
    Call fine{chat({{"tool_choice", "auto"}, {"response_format", {{"type", "text"}}}, {"top_k", 40}, {"min_p", 0.1}})};
    serve(fine);
    EXPECT_TRUE(fine.outcome.result);
}

TEST_F(EngineTest, AClientThatGoesStopsItsSequenceAndKeepsTheCount) {
    Call call{chat({{"stream", true}, {"logit_bias", Json::object()}}), 3000};
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
    Call call{chat({{"stream", true}}), 3000};
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

TEST_F(EngineTest, EveryBundledModelLoadsAndAnswers) {
    for (const std::string& name : testing::bundled_names()) {
        load(tiny(name));
        EXPECT_GT(engine_->info().parameters, 100000) << name;
        EXPECT_EQ(engine_->info().context_length, 4096);
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
