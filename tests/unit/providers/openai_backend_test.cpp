// What OpenAiCloud sends, what it passes on, and how it deals with connections and clients that go.
#include "tests/unit/providers/serving.hpp"

#include <gmock/gmock.h>

namespace sluice::providers {
namespace {

using core::Errc;
using testing::Completion;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ScriptedAnswer;
using testing::ScriptedUpstream;
using testing::UpstreamCounts;
using testing::UpstreamRequest;

constexpr const char* kHello = "Hello from the scripted cloud.";

// --- What is sent.

TEST(OpenAiBackend, SendsAFreshRequestWithItsOwnHeaderAndTheClientsBody) {
    ScriptedUpstream upstream;
    Caller caller(upstream.base_url(), [](OpenAiConfig& config) {
        config.headers = {{"OpenAI-Organization", "org-1"}};
    });
    ASSERT_EQ(caller.serve(chat("hi", false, R"(,"frequency":{"x":1})")).error(), std::nullopt);
    const auto requests = upstream.requests();
    ASSERT_EQ(requests.size(), 1U);
    const auto& request = requests[0];
    EXPECT_TRUE(request.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n")) << request.head;
    EXPECT_EQ(request.field("Host"), "127.0.0.1:" + std::to_string(upstream.port()));
    EXPECT_EQ(request.field("Authorization"), "Bearer sk-upstream-key");
    EXPECT_EQ(request.field("Accept-Encoding"), "identity");
    EXPECT_EQ(request.field("Content-Type"), "application/json");
    EXPECT_EQ(request.field("x-request-id"), "req-123");
    EXPECT_EQ(request.field("OpenAI-Organization"), "org-1");
    EXPECT_EQ(request.field("Content-Length"), std::to_string(request.body.size()));
    EXPECT_EQ(request.head.find("Content-Length"), request.head.rfind("Content-Length")) << "once";
    EXPECT_EQ(
        request.body,
        R"({"model":"upstream-model","messages":[{"role":"user","content":"hi"}],"frequency":{"x":1},"max_tokens":100})");
}

// Of the last size a part goes at once and the rest when the other side has read.
TEST(OpenAiBackend, ARequestOfAnySizeArrivesWhole) {
    ScriptedUpstream upstream;
    Caller caller(upstream.base_url(), [](OpenAiConfig& config) { config.timeouts.first_byte = milliseconds(20'000); });
    for (const std::size_t size : {std::size_t{1}, std::size_t{5000}, std::size_t{300'000}, std::size_t{6'000'000}}) {
        std::string text(size, 'a');
        for (std::size_t i = 0; i < size; i += 7) text[i] = static_cast<char>('b' + i % 23);
        ASSERT_EQ(caller.serve(chat(text, false)).error(), std::nullopt) << size;
        EXPECT_TRUE(upstream.requests().back().body.find(text) != std::string::npos) << size;
    }
    EXPECT_EQ(upstream.counts().connections, 1U);
}

TEST(OpenAiBackend, WithoutAKeyThereIsNoAuthorization) {
    ScriptedUpstream upstream;
    Caller caller(upstream.base_url(), [](OpenAiConfig& config) { config.api_key = core::Secret(); });
    ASSERT_EQ(caller.serve(chat("hi", false)).error(), std::nullopt);
    EXPECT_EQ(upstream.requests()[0].field("Authorization"), "");
}

TEST(OpenAiBackend, ConfigurationsThatWouldBreakARequestAreRefusedByName) {
    const auto field = [](const std::function<void(OpenAiConfig&)>& change) {
        OpenAiConfig config;
        config.base_url = "https://example.invalid/v1";
        change(config);
        const auto made = OpenAiUpstream::create(std::move(config));
        return made ? std::string("none") : made.error().field;
    };
    EXPECT_EQ(field([](OpenAiConfig&) {}), "none");
    EXPECT_EQ(field([](OpenAiConfig& c) { c.base_url = "example.invalid"; }), "base_url");
    EXPECT_EQ(field([](OpenAiConfig& c) { c.api_key = core::Secret("a\r\nX: y"); }), "api_key");
    EXPECT_EQ(field([](OpenAiConfig& c) { c.api_key = core::Secret("a b"); }), "api_key");
    EXPECT_EQ(field([](OpenAiConfig& c) { c.headers = {{"X Y", "z"}}; }), "headers");
    EXPECT_EQ(field([](OpenAiConfig& c) { c.headers = {{"X", "z\nA: b"}}; }), "headers");
    EXPECT_EQ(field([](OpenAiConfig& c) { c.headers = {{"content-length", "1"}}; }), "headers");
    EXPECT_EQ(field([](OpenAiConfig& c) { c.ca_file = "/does/not/exist.pem"; }), "ca_file");
}

// --- What is passed on.

TEST(OpenAiBackend, APlainAnswerIsPassedOnByteForByte) {
    const std::string body =
        "{ \"unknown\" : [1, 2.50, \"\\u00e9\"],\n \"choices\": [ "
        "{\"message\":{\"role\":\"assistant\",\"content\":\"x\","
        "\"reasoning_content\":\"because\"},\"finish_reason\":\"stop\"} ], \"usage\": {\"prompt_tokens\": 5, "
        "\"completion_tokens\": 3, "
        "\"prompt_tokens_details\":{\"cached_tokens\":2},\"completion_tokens_details\":{\"reasoning_tokens\":1}} }";
    ScriptedUpstream upstream({.script = [&](const UpstreamRequest&) {
        return ScriptedAnswer{}.send(
            testing::head(200, "Content-Type: application/json; charset=utf-8\r\nContent-Length: " +
                                   std::to_string(body.size()) + "\r\n") +
            body);
    }});
    Caller caller(upstream.base_url());
    const auto served = caller.serve(chat("hi", false));
    ASSERT_EQ(served.error(), std::nullopt) << served.detail();
    EXPECT_EQ(served.reply->body_seen, body);
    EXPECT_EQ(served.outcome.usage, (core::Usage{.prompt = 5, .completion = 3, .cached = 2, .reasoning = 1}));
    EXPECT_EQ(served.outcome.answer_bytes, 8U);
}

const std::vector<std::string> kEvents{
    R"({"choices":[{"delta":{"role":"assistant","reasoning_content":"hm"}}],"x":{"unknown": true}})",
    R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":"}}]}}]})",
    R"({ "choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]},"finish_reason":"tool_calls"}],"usage":null})",
    R"({"choices":[],"usage":{"prompt_tokens":20,"completion_tokens":9,"total_tokens":29}})"};

ScriptedUpstream::Options events_upstream(const std::vector<std::string>& events) {
    return {.script = [events](const UpstreamRequest&) {
        std::string bytes = testing::head(200, "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n");
        for (const auto& event : events) bytes += testing::chunked(testing::framed(event));
        return ScriptedAnswer{}.send(bytes + testing::chunked(testing::framed("[DONE]")) + "0\r\n\r\n");
    }};
}

TEST(OpenAiBackend, EventsArePassedOnByteForByteInOneBatchWithoutTheUsageChunk) {
    ScriptedUpstream upstream(events_upstream(kEvents));
    Caller caller(upstream.base_url());
    const auto served = caller.serve(chat("hi", true));
    ASSERT_EQ(served.error(), std::nullopt) << served.detail();
    EXPECT_THAT(served.reply->events_seen, ElementsAre(kEvents[0], kEvents[1], kEvents[2]));
    EXPECT_EQ(served.reply->calls, 1) << "one write of the upstream is one write to the client";
    EXPECT_EQ(served.outcome.usage, (core::Usage{.prompt = 20, .completion = 9}));
    EXPECT_EQ(served.outcome.finish_reason, "tool_calls");
    EXPECT_EQ(served.outcome.answer_bytes, 2U + 1U + 5U + 2U);
}

TEST(OpenAiBackend, ClientsThatAskForUsageGetTheUsageChunk) {
    ScriptedUpstream upstream(events_upstream(kEvents));
    Caller caller(upstream.base_url());
    const auto served = caller.serve(chat("hi", true, R"(,"stream_options":{"include_usage":true})"));
    EXPECT_EQ(served.reply->events_seen, kEvents);
}

TEST(OpenAiBackend, UsageBesideChoicesIsReadAndTheChunkPassedOn) {
    const std::vector<std::string> events{
        R"({"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":2,"completion_tokens":1}})",
        R"({"choices":[{"delta":{"content":"b"},"finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":2}})"};
    ScriptedUpstream upstream(events_upstream(events));
    Caller caller(upstream.base_url());
    const auto served = caller.serve(chat("hi", true));
    EXPECT_EQ(served.reply->events_seen, events);
    EXPECT_EQ(served.outcome.usage, (core::Usage{.prompt = 2, .completion = 2}))
        << "running totals: the last is the most";
}

TEST(OpenAiBackend, AnEventOfSeveralLinesBecomesOneLine) {
    ScriptedUpstream upstream({.script = [](const UpstreamRequest&) {
        const std::string body = "data: {\"choices\":\ndata: [{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n";
        return ScriptedAnswer{}.send(testing::head(200, "Content-Type: text/event-stream\r\nContent-Length: " +
                                                            std::to_string(body.size()) + "\r\n") +
                                     body);
    }});
    Caller caller(upstream.base_url());
    EXPECT_THAT(caller.serve(chat("hi", true)).reply->events_seen,
                ElementsAre(R"({"choices": [{"delta":{"content":"a"}}]})"));
}

TEST(OpenAiBackend, EventsReachTheClientWhenTheyComeAndNotAtTheEnd) {
    Completion slow;
    slow.pause_between_events = milliseconds(20);
    ScriptedUpstream upstream({.completion = slow});
    Caller caller(upstream.base_url());
    const auto served = caller.serve(chat("hi", true));
    EXPECT_EQ(served.error(), std::nullopt);
    EXPECT_GE(served.reply->calls, 5);
    EXPECT_EQ(served.reply->content(), kHello);
}

// --- Connections.

TEST(OpenAiBackend, OneConnectionServesManyCalls) {
    ScriptedUpstream upstream;
    Caller caller(upstream.base_url());
    for (int i = 0; i < 50; ++i)
        ASSERT_EQ(caller.serve(chat("[[nonce:n" + std::to_string(i) + "]]", i % 2 == 0)).reply->content(),
                  kHello + (" n" + std::to_string(i)));
    EXPECT_EQ(upstream.counts().connections, 1U);
    EXPECT_TRUE(upstream.wait_until([](const UpstreamCounts& counts) { return counts.finished == 50U; }));
}

TEST(OpenAiBackend, AConnectionWhoseStreamEndsLateIsKeptToo) {
    ScriptedUpstream upstream({.script = [](const UpstreamRequest&) {
        std::string bytes = testing::head(200, "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n");
        for (const auto& chunk : testing::completion_chunks({})) bytes += testing::chunked(testing::framed(chunk));
        return ScriptedAnswer{}
            .send(bytes + testing::chunked(testing::framed("[DONE]")))
            .pause(milliseconds(50))
            .send("0\r\n\r\n")
            .finish();
    }});
    Caller caller(upstream.base_url());
    ASSERT_EQ(caller.serve(chat("hi", true)).error(), std::nullopt);
    caller.run_until([&] { return upstream.counts().finished == 1; });
    caller.run_until([&, until = std::chrono::steady_clock::now() + milliseconds(100)] {
        return std::chrono::steady_clock::now() > until;
    });
    ASSERT_EQ(caller.serve(chat("hi", true)).error(), std::nullopt);
    EXPECT_EQ(upstream.counts().connections, 1U);
}

TEST(OpenAiBackend, AKeptConnectionThatWasClosedMeanwhileIsNotUsed) {
    ScriptedUpstream upstream;
    Caller caller(upstream.base_url());
    ASSERT_EQ(caller.serve(chat("[[fault:close-after-answer]]", false)).error(), std::nullopt);
    ASSERT_EQ(caller.serve(chat("hi", false)).error(), std::nullopt);
    EXPECT_EQ(upstream.counts().connections, 2U);
    EXPECT_EQ(upstream.counts().requests, 2U);
}

// The connection closes while the second request is on its way: no look at the socket can tell before.
class StaleConnection : public ::testing::TestWithParam<const char*> {};

TEST_P(StaleConnection, IsReplacedOnceSilently) {
    ScriptedUpstream upstream;
    upstream.set_script([](const UpstreamRequest& request) {
        if (request.connection == 0 && request.number == 1)
            return *testing::faulty_answer(GetParam(), request.stream, {});
        return testing::default_answer(request, {});
    });
    Caller caller(upstream.base_url());
    ASSERT_EQ(caller.serve(chat("one", false)).error(), std::nullopt);
    const auto served = caller.serve(chat("two", true));
    EXPECT_EQ(served.error(), std::nullopt) << served.detail();
    EXPECT_EQ(served.reply->content(), kHello);
    EXPECT_EQ(upstream.counts().connections, 2U);
    EXPECT_EQ(upstream.counts().requests, 3U);
}

TEST_P(StaleConnection, IsNotReplacedTwice) {
    ScriptedUpstream upstream;
    upstream.set_script([](const UpstreamRequest& request) {
        if (request.number > 0) return *testing::faulty_answer(GetParam(), request.stream, {});
        return testing::default_answer(request, {});
    });
    Caller caller(upstream.base_url());
    ASSERT_EQ(caller.serve(chat("one", false)).error(), std::nullopt);
    const auto served = caller.serve(chat("two", false));
    EXPECT_EQ(served.error(), Errc::UpstreamFailed);
    EXPECT_TRUE(served.outcome.retry_may_help);
    EXPECT_EQ(upstream.counts().requests, 3U);
}

INSTANTIATE_TEST_SUITE_P(Both, StaleConnection, ::testing::Values("close-before-header", "reset-before-header"),
                         [](const auto& one) { return std::string(one.param).substr(0, 5); });

TEST(OpenAiBackend, AFreshConnectionThatBreaksIsNotTriedAgainHere) {
    ScriptedUpstream upstream;
    Caller caller(upstream.base_url());
    EXPECT_EQ(caller.serve(chat("[[fault:reset-before-header]]", false)).error(), Errc::UpstreamFailed);
    EXPECT_EQ(upstream.counts().requests, 1U);
}

TEST(OpenAiBackend, AKeptConnectionThatBreaksInsideAnAnswerIsNotTriedAgain) {
    ScriptedUpstream upstream;
    Caller caller(upstream.base_url());
    ASSERT_EQ(caller.serve(chat("one", false)).error(), std::nullopt);
    EXPECT_EQ(caller.serve(chat("[[fault:close-mid-header]]", false)).error(), Errc::UpstreamFailed);
    EXPECT_EQ(upstream.counts().requests, 2U);
}

TEST(OpenAiBackend, ConnectionsAreBoundedAndCallsWaitTheirTurn) {
    Completion slow;
    slow.pause_between_events = milliseconds(2);
    ScriptedUpstream upstream({.completion = slow});
    Caller caller(upstream.base_url(), [](OpenAiConfig& config) { config.max_connections = 2; });
    std::vector<Served> all(10);
    for (auto& one : all) caller.start(one, chat("hi", true));
    caller.run_until(
        [&] { return std::all_of(all.begin(), all.end(), [](const Served& one) { return one.finished; }); });
    for (const auto& one : all) EXPECT_EQ(one.error(), std::nullopt) << one.detail();
    EXPECT_EQ(upstream.counts().connections, 2U);
}

TEST(OpenAiBackend, ACallThatGetsNoConnectionInTimeIsToldSoAndSentNothing) {
    ScriptedUpstream upstream;
    Caller caller(upstream.base_url(), [](OpenAiConfig& config) {
        config.max_connections = 1;
        config.timeouts.connect = milliseconds(100);
        config.timeouts.first_byte = milliseconds(1000);
    });
    Served busy;
    Served late;
    caller.start(busy, chat("[[fault:hang-before-header]]", false));
    caller.run_until([&] { return upstream.counts().requests == 1; });
    caller.start(late, chat("hi", false));
    caller.run_until([&] { return late.finished; });
    EXPECT_EQ(late.error(), Errc::Unavailable);
    EXPECT_FALSE(late.outcome.reached);
    EXPECT_TRUE(late.outcome.retry_may_help);
    caller.run_until([&] { return busy.finished; });
    EXPECT_EQ(caller.serve(chat("hi", false)).error(), std::nullopt) << "the place is free again";
}

TEST(OpenAiBackend, AnUnusedConnectionIsClosedAfterAWhile) {
    ScriptedUpstream upstream;
    Caller caller(upstream.base_url(), [](OpenAiConfig& config) { config.timeouts.keep_alive = milliseconds(100); });
    ASSERT_EQ(caller.serve(chat("hi", false)).error(), std::nullopt);
    EXPECT_EQ(upstream.counts().open, 1U);
    caller.run_until([&] { return upstream.counts().open == 0; });
}

TEST(OpenAiBackend, AnUpstreamThatIsNotThereWasNotReached) {
    std::string base_url;
    {
        const ScriptedUpstream gone;
        base_url = gone.base_url();
    }
    Caller caller(base_url);
    const auto served = caller.serve(chat("hi", false));
    EXPECT_EQ(served.error(), Errc::UpstreamFailed);
    EXPECT_FALSE(served.outcome.reached);
    EXPECT_TRUE(served.outcome.retry_may_help);
}

TEST(OpenAiBackend, ANameThatDoesNotExistIsAnError) {
    Caller caller("http://does-not-exist.invalid/v1");
    const auto served = caller.serve(chat("hi", false), milliseconds(5000));
    EXPECT_TRUE(served.error() == Errc::UpstreamFailed || served.error() == Errc::Timeout) << served.detail();
    EXPECT_FALSE(served.outcome.reached);
    EXPECT_THAT(served.detail(), HasSubstr("name"));
}

// --- Clients that go.

TEST(OpenAiBackend, NothingIsSentForAClientThatIsGone) {
    ScriptedUpstream upstream;
    Caller caller(upstream.base_url());
    Served served;
    served.reply->gone = true;
    caller.start(served, chat("hi", false));
    caller.run_until([&] { return served.finished; });
    EXPECT_EQ(served.error(), Errc::Cancelled);
    EXPECT_FALSE(served.outcome.reached);
    EXPECT_EQ(upstream.counts().connections, 0U);
}

struct CancelCase {
    const char* fault;
    bool stream;
    bool throwing;  // the session lets cancellation throw
};
class Cancelling : public ::testing::TestWithParam<CancelCase> {};

TEST_P(Cancelling, EndsTheCallAndTheUpstreamConnectionAtOnce) {
    const auto& [fault, stream, throwing] = GetParam();
    ScriptedUpstream upstream;
    Caller caller(upstream.base_url(), [](OpenAiConfig& config) {
        config.timeouts.first_byte = config.timeouts.idle = milliseconds(60'000);
    });
    Served served;
    net::cancellation_signal signal;
    caller.start(served, chat(std::string("[[fault:") + fault + "]]", stream), milliseconds(60'000), &signal, throwing);
    caller.run_until([&] { return upstream.counts().requests == 1; });
    caller.run_until([&, until = std::chrono::steady_clock::now() + milliseconds(50)] {
        return std::chrono::steady_clock::now() > until;
    });
    const auto begin = std::chrono::steady_clock::now();
    signal.emit(net::cancellation_type::terminal);
    caller.run_until([&] { return served.finished; });
    EXPECT_TRUE(
        upstream.wait_until([](const UpstreamCounts& counts) { return counts.abandoned == 1 && counts.open == 0; }));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(30'000));
    EXPECT_EQ(served.error(), Errc::Cancelled) << served.detail();
    EXPECT_TRUE(served.outcome.reached);
    EXPECT_FALSE(served.outcome.retry_may_help);
    EXPECT_EQ(served.outcome.answer_bytes, served.reply->content().size());
}

INSTANTIATE_TEST_SUITE_P(
    Everywhere, Cancelling,
    ::testing::Values(CancelCase{"hang-before-header", false, false}, CancelCase{"hang-before-header", true, true},
                      CancelCase{"hang-mid-body", false, false}, CancelCase{"hang-mid-body", true, false},
                      CancelCase{"hang-mid-body", true, true}, CancelCase{"slow-drip", true, false}),
    [](const auto& one) {
        std::string name = std::string(one.param.fault) + (one.param.stream ? "_stream" : "_plain") +
                           (one.param.throwing ? "_throwing" : "");
        std::replace(name.begin(), name.end(), '-', '_');
        return name;
    });

TEST(OpenAiBackend, ASinkThatFailsStopsTheUpstream) {
    Completion slow;
    slow.events = 30;
    slow.pause_between_events = milliseconds(10);
    ScriptedUpstream upstream({.completion = slow});
    Caller caller(upstream.base_url());
    Served served;
    served.reply->fail_after = 3;
    caller.start(served, chat("hi", true));
    caller.run_until([&] { return served.finished; });
    EXPECT_EQ(served.error(), Errc::Cancelled);
    EXPECT_TRUE(upstream.wait_until([](const UpstreamCounts& counts) { return counts.abandoned == 1; }));
    EXPECT_EQ(served.outcome.answer_bytes, served.reply->content().size());
    EXPECT_EQ(upstream.counts().finished, 0U);
}

TEST(OpenAiBackend, ACallThatWaitsForAConnectionCanBeCancelled) {
    ScriptedUpstream upstream;
    Caller caller(upstream.base_url(), [](OpenAiConfig& config) { config.max_connections = 1; });
    Served busy;
    Served waiting;
    net::cancellation_signal signal;
    caller.start(busy, chat("[[fault:hang-before-header]]", false));
    caller.run_until([&] { return upstream.counts().requests == 1; });
    caller.start(waiting, chat("hi", false), milliseconds(20'000), &signal);
    caller.loop.restart();
    caller.loop.poll();
    signal.emit(net::cancellation_type::terminal);
    caller.run_until([&] { return waiting.finished; });
    EXPECT_EQ(waiting.error(), Errc::Cancelled);
    EXPECT_FALSE(waiting.outcome.reached);
    caller.run_until([&] { return busy.finished; });
    EXPECT_EQ(upstream.counts().requests, 1U);
}

// --- A backend of this zone.

TEST(OpenAiLocal, ServesRequestsAsTheyAre) {
    ScriptedUpstream upstream;
    OpenAiConfig config;
    config.base_url = upstream.base_url();
    config.zone = core::Zone::Local;
    net::io_context loop;
    OpenAiLocal backend(loop, *OpenAiUpstream::create(std::move(config)));
    RecordingReply reply;
    core::ServeOutcome outcome{.result = core::Error{}};
    const auto call = [&]() -> core::awaitable<void> {
        const auto request = chat("private", false);
        const core::ServeOptions options{.model = "m",
                                         .max_tokens = 5,
                                         .deadline = core::Deadline::after(std::chrono::seconds(10)),
                                         .request_id = "r"};
        outcome = co_await backend.serve(*request, options, reply);
        loop.stop();
    };
    net::co_spawn(loop.get_executor(), call(), [](std::exception_ptr) {});
    loop.run();
    EXPECT_TRUE(outcome.result.has_value());
    EXPECT_EQ(reply.content(), kHello);
}

}  // namespace
}  // namespace sluice::providers
