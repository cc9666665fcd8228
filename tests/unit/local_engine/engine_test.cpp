// The engine from request to reply: answers, streams, stops, choices, probabilities.
#include "engine_fixture.hpp"

#include <algorithm>

namespace sluice::local_engine {
namespace {

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

}  // namespace
}  // namespace sluice::local_engine
