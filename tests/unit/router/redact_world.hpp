// A whole pipeline in one process, with memory, cache and a ledger, between a client that remembers and a cloud that
// records every byte and says back what it was told.
#pragma once

#include "cache/memory_cache.hpp"
#include "fakes.hpp"
#include "router/answer_text.hpp"
#include "router/conversations.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::router::testing {

using core::Json;

inline Json user(const std::string& text) {
    return Json{{"role", "user"}, {"content", text}};
}
inline Json assistant(const std::string& text) {
    return Json{{"role", "assistant"}, {"content", text}};
}

// Says back the last message and the arguments of the last tool call it was sent; streams in pieces of `piece` bytes.
class EchoCloud final : public core::CloudBackend {
public:
    std::string seen;  // every body it was sent
    std::size_t calls = 0;
    std::size_t piece = 3;
    std::function<std::string(std::string)> bend = [](std::string text) { return text; };
    std::deque<core::Errc> failures;  // one per call, before anything is answered
    bool breaks_in_the_middle = false;
    std::function<void()> on_call = [] {};

    awaitable<core::ServeOutcome> serve(const core::CloudCleared& request, const core::ServeOptions&,
                                        core::ReplySink& reply) override {
        ++calls;
        on_call();
        const Json& body = request.request().body();
        seen += core::dump_json(body) + "\n";
        core::ServeOutcome outcome{
            .usage = {.prompt = 10, .completion = 5}, .usage_known = true, .reached = true, .answered = true};
        if (!failures.empty()) {
            outcome.result = failed(failures.front());
            outcome.retry_may_help = true;
            outcome.usage_known = outcome.answered = false;
            failures.pop_front();
            co_return outcome;
        }
        const std::string content = bend(last_content(body));
        const std::string told = last_arguments(body);
        const std::string arguments = told.empty() ? told : bend(told);
        if (!request.request().stream()) {
            co_await reply.body(plain(content, arguments));
            co_return outcome;
        }
        std::size_t pieces = 0;
        for (const auto* text : {&content, &arguments}) {
            for (std::size_t at = 0; at < text->size();) {
                std::size_t end = std::min(text->size(), at + std::max<std::size_t>(1, piece));
                while (end < text->size() && (static_cast<unsigned char>((*text)[end]) & 0xc0U) == 0x80U) ++end;
                const std::string part = text->substr(at, end - at);
                at = end;
                const std::string chunk = delta(
                    text == &content
                        ? Json{{"content", part}}
                        : Json{{"tool_calls", Json::array({Json{{"index", 0}, {"function", {{"arguments", part}}}}})}},
                    nullptr);
                const std::vector<std::string_view> views{chunk};
                co_await reply.events(views);
                if (breaks_in_the_middle && ++pieces > 4) {
                    outcome.result = failed(core::Errc::UpstreamFailed);
                    co_return outcome;
                }
            }
        }
        const std::string end = delta(Json::object(), "stop");
        const std::vector<std::string_view> views{end};
        co_await reply.events(views);
        co_return outcome;
    }

    static std::string delta(Json delta, Json finish) {
        return core::dump_json(Json{
            {"id", "e"},
            {"choices",
             Json::array({Json{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish)}}})}});
    }
    static std::string plain(const std::string& content, const std::string& arguments) {
        Json message{{"role", "assistant"}, {"content", content}};
        if (!arguments.empty())
            message["tool_calls"] = Json::array(
                {Json{{"id", "c"}, {"type", "function"}, {"function", {{"name", "f"}, {"arguments", arguments}}}}});
        return core::dump_json(
            Json{{"id", "e"},
                 {"choices",
                  Json::array({Json{{"index", 0}, {"message", std::move(message)}, {"finish_reason", "stop"}}})}});
    }
    static std::string last_content(const Json& body) {
        if (!body.contains("messages")) return "vectors";
        AnswerText text;
        text.body(core::dump_json(Json{
            {"choices",
             Json::array({Json{{"message", {{"content", body["messages"].back().value("content", Json(""))}}}}})}}));
        return text.texts().empty() ? std::string{} : text.texts().front();
    }
    static std::string last_arguments(const Json& body) {
        std::string out;
        if (!body.contains("messages")) return out;
        for (const auto& message : body["messages"])
            if (const auto calls = message.find("tool_calls"); calls != message.end() && calls->is_array())
                for (const auto& call : *calls)
                    if (call.is_object() && call.contains("function") && call["function"].contains("arguments") &&
                        call["function"]["arguments"].is_string())
                        out = call["function"]["arguments"].get<std::string>();
        return out;
    }
};

class LocalAnswer final : public core::LocalBackend {
public:
    std::string text = "This is what the model in this process has to say about it.";
    std::string seen;
    std::size_t calls = 0;
    bool down = false;

    awaitable<core::ServeOutcome> serve(const core::ChatRequest& request, const core::ServeOptions&,
                                        core::ReplySink& reply) override {
        ++calls;
        seen += core::dump_json(request.body()) + "\n";
        core::ServeOutcome outcome{
            .usage = {.prompt = 10, .completion = 5}, .usage_known = true, .reached = true, .answered = true};
        if (down) {
            outcome.result = failed(core::Errc::Unavailable);
            outcome.retry_may_help = true;
            co_return outcome;
        }
        if (request.stream()) {
            const std::string chunk = EchoCloud::delta(Json{{"content", text}}, nullptr);
            const std::string end = EchoCloud::delta(Json::object(), "stop");
            const std::vector<std::string_view> views{chunk, end};
            co_await reply.events(views);
        } else {
            co_await reply.body(EchoCloud::plain(text, {}));
        }
        co_return outcome;
    }
};

class RedactWorld {
public:
    explicit RedactWorld(policies::SensitivityConfig sensitivity = {}) : classifier(std::move(sensitivity)) {
        policy.action_of = {core::Action::Cloud, core::Action::Cloud, core::Action::Redact, core::Action::Redact};
        targets.push_back({.entry = *catalogue.find("cloud/small"),
                           .zone = core::Zone::Cloud,
                           .upstream_model = "small",
                           .backend = static_cast<core::CloudBackend*>(&cloud)});
        targets.push_back({.entry = *catalogue.find("local/own"),
                           .zone = core::Zone::Local,
                           .upstream_model = "own",
                           .backend = static_cast<core::LocalBackend*>(&own)});
    }

    static Json body(std::vector<Json> messages, bool stream = false) {
        Json out{{"model", "auto"}, {"max_tokens", 50}, {"stream", stream}, {"messages", Json::array()}};
        for (auto& message : messages) out["messages"].push_back(std::move(message));
        return out;
    }

    Result<void> ask(const Json& request_body, std::int64_t team = 1, std::optional<core::DataClass> declared = {}) {
        auto parsed = request_body.contains("input") ? core::ChatRequest::from_embeddings_json(request_body)
                                                     : core::ChatRequest::from_json(request_body);
        if (!parsed) return parsed.error();
        const Incoming incoming{.request = std::make_shared<const core::ChatRequest>(std::move(*parsed)),
                                .caller = caller(team),
                                .declared = declared,
                                .deadline = core::Deadline::after(std::chrono::seconds{5}),
                                .request_id = "req"};
        client = std::make_unique<RememberingClient>();
        if (set_up_client) set_up_client(*client);
        Result<void> result;
        with_pipeline(
            [&](Pipeline& pipeline) -> awaitable<void> { result = co_await pipeline.run(incoming, *client); });
        return result;
    }
    Decision explain(const Json& request_body, std::int64_t team = 1) {
        const Incoming incoming{
            .request = std::make_shared<const core::ChatRequest>(core::ChatRequest::from_json(request_body).value()),
            .caller = caller(team),
            .declared = {},
            .deadline = core::Deadline::after(std::chrono::seconds{5}),
            .request_id = "req"};
        Decision decision;
        with_pipeline([&](Pipeline& pipeline) -> awaitable<void> { decision = co_await pipeline.explain(incoming); });
        return decision;
    }

    // What the client was told, put together.
    std::string said() const {
        AnswerText text;
        if (!client->whole.empty()) text.body(client->whole);
        for (const auto& chunk : client->chunks) text.chunk(chunk);
        return text.texts().empty() ? std::string{} : text.texts().front();
    }
    std::string everything_sent_to_the_client() const {
        std::string out = client->whole + client->failure;
        for (const auto& chunk : client->chunks) out += chunk;
        return out;
    }
    const Decision& decision() const { return observed.back(); }
    bool stayed() const { return client->head.zone == core::Zone::Local; }

    static std::shared_ptr<const core::Caller> caller(std::int64_t team) {
        return std::make_shared<core::Caller>(core::Caller{.team = {team},
                                                           .team_name = "team-" + std::to_string(team),
                                                           .key = {team},
                                                           .key_name = "k",
                                                           .floor = core::DataClass::Public,
                                                           .team_caps = {},
                                                           .key_caps = {}});
    }

    static constexpr std::string_view kPrices = R"(
models:
  - {provider: cloud, model: small, price: {input: "1", output: "2"}, source: test, as_of: "2026"}
  - {provider: local, model: own, price: {input: "0.1", output: "0.1"}, source: test, as_of: "2026"}
)";
    policies::Catalogue catalogue = *policies::Catalogue::from_yaml(kPrices);
    policies::Classifier classifier;
    policies::TeamPolicy policy;
    AddingLedger ledger;
    BackendHealth health{2};
    EchoCloud cloud;
    LocalAnswer own;
    Targets targets;
    core::Secret secret{"conversations"};
    policies::ProcessMemory memory;
    PlaceholderVault vault;
    cache::MemoryCache cache;
    cache::KeyMaker keys{core::Secret{"cache"}};
    bool cached = true;
    std::unique_ptr<RememberingClient> client;
    std::function<void(RememberingClient&)> set_up_client;
    std::vector<Decision> observed;
    // Redis of one event loop, when a test has one.
    std::function<std::unique_ptr<cache::RedisClient>(core::net::io_context&)> make_redis;

private:
    template <class Body>
    void with_pipeline(const Body& use) {
        core::net::io_context loop;
        const auto book = *policies::PolicyBook::make(policy, {});
        const policies::PolicyInForce in_force{std::make_shared<const policies::PolicySet>(classifier, book, book.version())};
        const auto redis = make_redis ? make_redis(loop) : nullptr;
        std::unique_ptr<RedisMemory> redis_memory;
        if (redis) redis_memory = std::make_unique<RedisMemory>(*redis, secret);
        Conversations conversations{{.secret = secret, .memory = memory, .vault = vault, .redis = redis_memory.get()}};
        PipelineConfig config;
        config.first_backoff = std::chrono::milliseconds{1};
        Pipeline pipeline{{.policies = in_force,
                           .targets = targets,
                           .catalogue = catalogue,
                           .ledger = ledger,
                           .cache = cached ? &cache : nullptr,
                           .cache_keys = cached ? &keys : nullptr,
                           .health = health,
                           .conversations = &conversations,
                           .observe = [this](const Decision& decision) { observed.push_back(decision); }},
                          config};
        auto run = [&]() -> awaitable<void> {
            co_await use(pipeline);
            loop.stop();
        };
        core::net::co_spawn(loop, run(), core::net::detached);
        loop.run();
    }
};

}  // namespace sluice::router::testing
