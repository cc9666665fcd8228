#include "gateway/openai_api/chat_completions.hpp"

#include "core/json.hpp"
#include "gateway/openai_api/sse_reply.hpp"

namespace sluice::gateway {

namespace {

using core::Json;
using core::Result;

constexpr std::string_view kJson = "application/json";

// x-sluice-data-class: what the caller says the data is. It can only raise; an unknown word is refused rather than ignored.
Result<std::optional<core::DataClass>> declared_class(const HttpRequest& request) {
    const auto header = request.headers.find("x-sluice-data-class");
    if (header == request.headers.end()) return std::optional<core::DataClass>{};
    if (const auto value = core::parse_data_class(std::string_view{header->value().data(), header->value().size()}))
        return std::optional{*value};
    return core::Error{core::Errc::InvalidRequest, "must be public, internal, confidential or restricted", "x-sluice-data-class"};
}

Json model_json(const router::Target& target) {
    return Json{{"id", target.entry.name},
                {"object", "model"},
                {"created", 0},
                {"owned_by", target.entry.provider},
                {"sluice",
                 {{"zone", core::to_string(target.zone)},
                  {"context", target.entry.context},
                  {"aliases", target.entry.aliases},
                  {"input_nano_usd_per_million", target.entry.input.nano_per_million},
                  {"output_nano_usd_per_million", target.entry.output.nano_per_million}}}};
}

std::string model_list(const router::Targets& targets) {
    Json data = Json::array();
    data.push_back(Json{{"id", "auto"}, {"object", "model"}, {"created", 0}, {"owned_by", "sluice"}});
    for (const auto& target : targets) data.push_back(model_json(target));
    return core::dump_json(Json{{"object", "list"}, {"data", std::move(data)}});
}

}  // namespace

std::vector<Route> OpenAiApi::routes() {
    const auto bind = [this](core::awaitable<void> (OpenAiApi::*method)(Exchange&, CallerPtr)) {
        return [this, method](Exchange& exchange, CallerPtr caller) { return (this->*method)(exchange, std::move(caller)); };
    };
    return {
        {"POST", "/v1/chat/completions", Permission::TeamKey, config_.max_body_bytes, bind(&OpenAiApi::chat)},
        {"POST", "/v1/embeddings", Permission::TeamKey, config_.max_body_bytes, bind(&OpenAiApi::embeddings)},
        {"POST", "/v1/route", Permission::TeamKey, config_.max_body_bytes, bind(&OpenAiApi::route)},
        {"GET", "/v1/models", Permission::TeamKey, 0, bind(&OpenAiApi::models)},
        {"GET", "/v1/decisions/{id}", Permission::TeamKey, 0, bind(&OpenAiApi::decision)},
    };
}

Result<router::Incoming> OpenAiApi::read(Exchange& exchange, CallerPtr caller, core::Operation operation) const {
    HttpRequest& request = exchange.request();
    const auto declared = declared_class(request);
    if (!declared) return declared.error();
    auto json = core::parse_json(request.body);
    if (!json) return json.error();
    request.body = {};  // the parsed form is the only one from here on
    const bool embeds = operation == core::Operation::Embeddings;
    auto chat = embeds ? core::ChatRequest::from_embeddings_json(std::move(*json), config_.limits)
                       : core::ChatRequest::from_json(std::move(*json), config_.limits);
    if (!chat) return chat.error();
    return router::Incoming{.request = std::make_shared<const core::ChatRequest>(std::move(*chat)),
                            .caller = std::move(caller),
                            .declared = *declared,
                            .deadline = core::Deadline::after(config_.request_deadline),
                            .request_id = request.request_id};
}

core::awaitable<void> OpenAiApi::chat(Exchange& exchange, CallerPtr caller) {
    return serve(exchange, std::move(caller), core::Operation::Chat);
}

core::awaitable<void> OpenAiApi::embeddings(Exchange& exchange, CallerPtr caller) {
    return serve(exchange, std::move(caller), core::Operation::Embeddings);
}

core::awaitable<void> OpenAiApi::serve(Exchange& exchange, CallerPtr caller, core::Operation operation) {
    auto incoming = read(exchange, std::move(caller), operation);
    if (!incoming) {
        co_await exchange.respond_error(incoming.error());
        co_return;
    }
    SseReply reply{exchange};
    const auto outcome = co_await pipelines_.at(exchange.request().loop)->run(std::move(*incoming), reply);
    if (outcome || reply.started()) co_return;
    const auto headers = reply.headers();
    co_await exchange.respond_error(outcome.error(), headers);
}

core::awaitable<void> OpenAiApi::route(Exchange& exchange, CallerPtr caller) {
    auto incoming = read(exchange, std::move(caller), core::Operation::Chat);
    if (!incoming) {
        co_await exchange.respond_error(incoming.error());
        co_return;
    }
    auto decision = co_await pipelines_.at(exchange.request().loop)->explain(std::move(*incoming));
    decision.id.clear();  // nothing is recorded, so there is nothing to look up later
    co_await exchange.respond(200, kJson, to_json(decision));
}

core::awaitable<void> OpenAiApi::models(Exchange& exchange, CallerPtr) {
    co_await exchange.respond(200, kJson, model_list(targets_));
}

core::awaitable<void> OpenAiApi::decision(Exchange& exchange, CallerPtr caller) {
    const std::string id{exchange.request().path_parameter};
    if (auto found = ledger_.find_decision(id, caller->team)) {
        co_await exchange.respond(200, kJson, std::move(*found));
        co_return;
    }
    // The same answer for "not there" and "another team's".
    const core::Error no_such{core::Errc::NotFound, "no such decision", "id"};
    co_await exchange.respond_error(no_such);
}

}  // namespace sluice::gateway
