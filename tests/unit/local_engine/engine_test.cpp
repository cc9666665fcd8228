// The engine from request to reply, on the tiny models of tests/data/engine: they talk nonsense, but always the same.
#include "local_engine/engine.hpp"

#include "local_engine/model_set.hpp"

#include "core/json.hpp"
#include "golden.hpp"

#include <boost/asio.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
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
core::awaitable<void> session(core::LocalBackend& engine, Call& call) {
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

    void start(Call& call) { start(call, *engine_); }
    void start(Call& call, core::LocalBackend& backend) {
        core::net::co_spawn(loop_, session(backend, call),
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
    EXPECT_EQ(stream.outcome.usage.prompt, plain.outcome.usage.prompt);  // more of it may be found in the team's cache
    EXPECT_EQ(stream.outcome.usage.completion, plain.outcome.usage.completion);
}

// The tiny models talk nonsense: what makes these calls is the grammar.
TEST_F(EngineTest, RequiredCallsHaveOfferedNamesAndArgumentsByTheirSchemas) {
    const Json city{{"type", "object"}, {"properties", {{"city", {{"enum", {"Oslo", "Rome"}}}}}}, {"required", {"city"}}, {"additionalProperties", false}};
    Json tools = Json::array();
    tools.push_back({{"type", "function"}, {"function", {{"name", "weather"}, {"parameters", city}}}});
    tools.push_back({{"type", "function"}, {"function", {{"name", "now"}}}});
    for (const char* model : {"qwen3moe-n-Q8_0", "llama3-n-Q8_0", "mixtral-n-Q8_0", "deepseek2-n-Q8_0", "llama4-n-Q8_0", "gptoss-n-MXFP4"}) {
        load(tiny(model));
        for (const int seed : {1, 2, 3}) {
            Call call{chat({{"tools", tools}, {"tool_choice", "required"}, {"parallel_tool_calls", false}, {"seed", seed}, {"thinking_budget", 5}}), 400};
            serve(call);
            ASSERT_TRUE(call.outcome.result) << core::describe(call.outcome.result.error());
            const Json& choice = call.reply.whole.at("choices")[0];
            EXPECT_EQ(choice.at("finish_reason"), "tool_calls") << model << choice;
            ASSERT_EQ(choice.at("message").at("tool_calls").size(), 1U) << model << choice;
            const Json& function = choice.at("message").at("tool_calls")[0].at("function");
            const auto arguments = core::parse_json(function.at("arguments").get<std::string>());
            ASSERT_TRUE(arguments) << model << choice;
            const bool weather = function.at("name") == "weather";
            EXPECT_TRUE(weather || (function.at("name") == "now" && arguments->empty())) << model << choice;
            EXPECT_TRUE(!weather || arguments->at("city") == "Oslo" || arguments->at("city") == "Rome") << model << choice;
        }
    }
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

TEST_F(EngineTest, SeveralChoicesComputeTheirPromptOnce) {
    for (const bool cache : {true, false}) {
        EngineConfig config = tiny();
        config.prefix_cache = cache;
        load(config);
        const std::string content(700, 'p');
        const Json one{{"seed", 4}, {"temperature", 1.2}, {"ignore_eos", true}};
        Call alone{chat(one, content)};
        serve(alone);
        load(config);
        Json three = one;
        three["n"] = 3;
        Call call{chat(three, content)};
        serve(call);
        ASSERT_TRUE(call.outcome.result);
        EXPECT_EQ(call.reply.whole.at("choices")[0].at("message"), alone.reply.whole.at("choices")[0].at("message"));
        // Once, and what does not fill a page twice more.
        const auto prompt = static_cast<std::uint64_t>(call.outcome.usage.prompt);
        EXPECT_GE(engine_->status().prompt_tokens, prompt);
        EXPECT_LE(engine_->status().prompt_tokens, prompt + 2 * 64) << cache;
        EXPECT_EQ(call.outcome.usage.completion, 60);
        wait_until_idle();
        EXPECT_EQ(engine_->status().pages_used, 0U);
    }
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

TEST_F(EngineTest, LogProbabilitiesComeInTheShapeOfTheApiPlainAndStreamed) {
    const Json wanted{{"seed", 8}, {"logprobs", true}, {"top_logprobs", 4}, {"temperature", 1.4}};
    Call plain{chat(wanted)};
    serve(plain);
    const Json& choice = plain.reply.whole.at("choices")[0];
    const Json& content = choice.at("logprobs").at("content");
    ASSERT_GE(content.size(), 10U);
    std::string bytes;
    for (const Json& entry : content) {
        EXPECT_LE(entry.at("logprob"), 0.0);
        ASSERT_EQ(entry.at("top_logprobs").size(), 4U);
        EXPECT_GE(entry.at("top_logprobs")[0].at("logprob"), entry.at("logprob"));
        EXPECT_GE(entry.at("top_logprobs")[0].at("logprob"), entry.at("top_logprobs")[3].at("logprob"));
        for (const Json& byte : entry.at("bytes")) bytes += static_cast<char>(byte.get<int>());
    }
    Json more = wanted;
    more["stream"] = true;
    Call stream{chat(more)};
    serve(stream);
    Json streamed = Json::array();
    for (const Json& chunk : stream.reply.chunks) {
        for (const Json& part : chunk.at("choices")) {
            ASSERT_TRUE(part.contains("logprobs"));
            if (!part.at("logprobs").is_null()) {
                for (const Json& entry : part.at("logprobs").at("content")) streamed.push_back(entry);
            }
        }
    }
    EXPECT_EQ(streamed, content);
    // The log-probabilities are the model's: another temperature does not change those of the first token.
    Json colder = wanted;
    colder["temperature"] = 0;
    Call cold{chat(colder)};
    serve(cold);
    EXPECT_EQ(cold.reply.whole.at("choices")[0].at("logprobs").at("content")[0].at("top_logprobs"),
              content[0].at("top_logprobs"));
}

TEST_F(EngineTest, TokensOfAStopStringAreNotReportedEither) {
    const Json wanted{{"temperature", 0}, {"logprobs", true}};
    Call free{chat(wanted)};
    serve(free);
    const Json all = free.reply.whole.at("choices")[0].at("logprobs").at("content");
    std::size_t at = 3;  // a token of ordinary characters
    const auto plain = [&](std::size_t i) {
        const auto text = all[i].at("token").get<std::string>();
        return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
    };
    while (at < all.size() && !plain(at)) ++at;
    ASSERT_LT(at, all.size());
    Json more = wanted;
    more["stop"] = all[at].at("token");
    Call stopped{chat(more)};
    serve(stopped);
    const Json& seen = stopped.reply.whole.at("choices")[0];
    EXPECT_LE(seen.at("logprobs").at("content").size(), at);
    std::size_t shown = 0;
    for (const Json& entry : seen.at("logprobs").at("content")) shown += entry.at("bytes").size();
    EXPECT_LE(shown, seen.at("message").at("content").get<std::string>().size() + 3);
}

TEST_F(EngineTest, IgnoringTheEndMakesAnAnswerAsLongAsAllowed) {
    Call call{chat({{"ignore_eos", true}, {"temperature", 2.0}, {"seed", 3}}), 300};
    serve(call);
    EXPECT_EQ(call.outcome.finish_reason, "length");
    EXPECT_EQ(call.outcome.usage.completion, 300);
}

TEST_F(EngineTest, AnswersHaveTheShapeThatWasAskedFor) {
    const Json schema = core::parse_json(
                            R"({"type":"object","properties":{"ok":{"type":"boolean"},"n":{"type":"integer","minimum":1,"maximum":99}},"required":["ok","n"]})")
                            .value();
    for (int seed = 0; seed < 8; ++seed) {
        Call call{chat({{"response_format", {{"type", "json_schema"}, {"json_schema", {{"name", "x"}, {"schema", schema}}}}},
                        {"seed", seed},
                        {"temperature", 1.5}}),
                  300};
        serve(call);
        ASSERT_TRUE(call.outcome.result) << core::describe(call.outcome.result.error());
        EXPECT_EQ(call.outcome.finish_reason, "stop");
        const auto text = call.reply.whole.at("choices")[0].at("message").at("content").get<std::string>();
        const auto value = core::parse_json(text);
        ASSERT_TRUE(value) << text;
        EXPECT_TRUE(value->at("ok").is_boolean());
        EXPECT_GE(value->at("n"), 1);
        EXPECT_LE(value->at("n"), 99);
    }
    Call grammar{chat({{"grammar", "root ::= (\"yes\" | \"no\") \"!\"{2}"}, {"seed", 3}})};
    serve(grammar);
    ASSERT_TRUE(grammar.outcome.result);
    const auto said = grammar.reply.whole.at("choices")[0].at("message").at("content");
    EXPECT_TRUE(said == "yes!!" || said == "no!!") << said;
}

TEST_F(EngineTest, GrammarsThatCannotBeFollowedAreRefusedWithTheirField) {
    const auto refused = [&](const Json& more) {
        Call call{chat(more)};
        serve(call);
        EXPECT_FALSE(call.outcome.result);
        EXPECT_FALSE(call.outcome.reached);
        return call.outcome.result ? std::string() : call.outcome.result.error().field;
    };
    EXPECT_EQ(refused({{"grammar", "root ::= ("}}), "grammar");
    EXPECT_EQ(refused({{"grammar", "root ::= root"}}), "grammar");
    EXPECT_EQ(refused({{"grammar", 5}}), "grammar");
    EXPECT_EQ(refused({{"grammar", "root ::= \"a\""}, {"response_format", {{"type", "json_object"}}}}), "grammar");
    EXPECT_EQ(refused({{"response_format", {{"type", "yaml"}}}}), "response_format.type");
    EXPECT_EQ(refused({{"response_format", {{"type", "json_schema"}, {"json_schema", {{"schema", {{"multipleOf", 2}}}}}}}}),
              "response_format.json_schema.schema.multipleOf");
    EXPECT_EQ(refused({{"grammar", std::string(70000, '#')}}), "grammar");
}

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
    EXPECT_EQ(again.reply.whole.at("usage").at("prompt_tokens_details").at("cached_tokens"), again.outcome.usage.cached);
}

TEST_F(EngineTest, GuessingChangesNoTextAndIsSometimesRight) {
    // Three tokens that are much likelier than all others: what comes next has often stood behind the same three before.
    const auto ask = [&](double temperature) {
        return chat({{"temperature", temperature}, {"seed", 5}, {"ignore_eos", true}, {"logit_bias", {{"97", 60}, {"98", 60}, {"99", 60}}}});
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

core::ChatRequest embedding(Json input, const Json& more = Json::object()) {
    Json body{{"model", "tiny"}, {"input", std::move(input)}};
    body.update(more);
    return core::ChatRequest::from_embeddings_json(std::move(body)).value();
}

double product(const Json& a, const Json& b) {
    double sum = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i].get<double>() * b[i].get<double>();
    return sum;
}

TEST_F(EngineTest, TextsBecomeVectorsOfLengthOneWhateverStandsBesideThem) {
    Json many = Json::array();
    for (int i = 0; i < 40; ++i) many.push_back("text number " + std::to_string(i) + std::string(static_cast<std::size_t>(i * 7), 'z'));
    Call batch{embedding(many)};
    Call busy{chat({{"seed", 1}}), 60};
    start(busy);
    serve(batch);
    ASSERT_TRUE(batch.outcome.result) << core::describe(batch.outcome.result.error());
    const Json& data = batch.reply.whole.at("data");
    ASSERT_EQ(data.size(), 40U);
    EXPECT_EQ(batch.reply.whole.at("object"), "list");
    EXPECT_EQ(batch.reply.whole.at("usage").at("prompt_tokens"), batch.outcome.usage.prompt);
    EXPECT_EQ(batch.outcome.usage.completion, 0);
    for (const int i : {0, 7, 39}) {
        Call alone{embedding(many[static_cast<std::size_t>(i)])};
        serve(alone);
        const Json& vector = data[static_cast<std::size_t>(i)].at("embedding");
        EXPECT_EQ(data[static_cast<std::size_t>(i)].at("index"), i);
        EXPECT_NEAR(product(vector, vector), 1.0, 1e-4);
        EXPECT_NEAR(product(vector, alone.reply.whole.at("data")[0].at("embedding")), 1.0, 1e-4);
    }
    EXPECT_LT(product(data[0].at("embedding"), data[39].at("embedding")), 0.999);
    wait_until_idle();
    EXPECT_EQ(engine_->status().pages_used, 0U);
}

TEST_F(EngineTest, VectorsCanBeShorterAndPacked) {
    Call plain{embedding("hello", {{"dimensions", 16}})};
    serve(plain);
    const Json& vector = plain.reply.whole.at("data")[0].at("embedding");
    ASSERT_EQ(vector.size(), 16U);
    EXPECT_NEAR(product(vector, vector), 1.0, 1e-4);
    Call packed{embedding("hello", {{"dimensions", 16}, {"encoding_format", "base64"}})};
    serve(packed);
    const auto text = packed.reply.whole.at("data")[0].at("embedding").get<std::string>();
    ASSERT_EQ(text.size(), 88U);  // 64 bytes
    EXPECT_TRUE(text.ends_with("=="));
    const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::uint64_t bits = 0;  // the first six letters hold the first float
    for (int i = 0; i < 6; ++i) bits = bits << 6U | letters.find(text[static_cast<std::size_t>(i)]);
    const auto big = static_cast<std::uint32_t>(bits >> 4U);
    EXPECT_FLOAT_EQ(std::bit_cast<float>(__builtin_bswap32(big)), vector[0].get<float>());
    Call wide{embedding("hello", {{"dimensions", 60000}})};
    serve(wide);
    EXPECT_EQ(wide.outcome.result.error().field, "dimensions");
    Call longer{embedding(Json::array({"a", std::string(40000, 'y')}))};
    serve(longer);
    EXPECT_EQ(longer.outcome.result.error().field, "input[1]");
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
    int seen = 0;
    running.reply.on_events = [&] {
        ++seen;
        EXPECT_TRUE(seen != 3 || models.load("first"));              // replaced
        EXPECT_TRUE(seen != 6 || models.unload("first"));            // and gone
        EXPECT_TRUE(seen != 7 || models.list()[0].leaving == 1);  // but for this request
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
