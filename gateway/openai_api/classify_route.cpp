#include "gateway/openai_api/classify_route.hpp"

#include "core/json.hpp"
#include "policies/sensitivity/evaluate_line.hpp"

namespace sluice::gateway {

namespace {

core::awaitable<void> answer(const policies::Classifier& classifier, Exchange& exchange) {
    const auto row = core::parse_json(exchange.request().body);
    if (!row) {
        co_await exchange.respond_error(row.error());
        co_return;
    }
    if (!row->is_object() || !row->contains("text") || !row->at("text").is_string()) {
        const core::Error no_text{core::Errc::InvalidRequest, "is required and must be a string", "text"};
        co_await exchange.respond_error(no_text);
        co_return;
    }
    auto body = core::dump_json(policies::evaluate(classifier, *row));
    co_await exchange.respond(200, "application/json", std::move(body));
}

}  // namespace

Route classify_route(const policies::Classifier& classifier, std::size_t max_body_bytes) {
    return {"POST", "/v1/classify", Permission::TeamKey, max_body_bytes,
            [&classifier](Exchange& exchange, CallerPtr) { return answer(classifier, exchange); }};
}

}  // namespace sluice::gateway
