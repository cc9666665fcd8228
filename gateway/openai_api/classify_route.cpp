#include "gateway/openai_api/classify_route.hpp"

#include "core/json.hpp"
#include "policies/sensitivity/evaluate_line.hpp"

namespace sluice::gateway {

namespace {

core::awaitable<void> answer(const policies::PolicyInForce& policies, CallerPtr caller, Exchange& exchange) {
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
    const auto rules = policies.get();
    auto body = core::dump_json(policies::evaluate(rules->classifier(), *row, &rules->for_team(caller->team_name).findings));
    co_await exchange.respond(200, "application/json", std::move(body));
}

}  // namespace

Route classify_route(const policies::PolicyInForce& policies, std::size_t max_body_bytes) {
    return {"POST", "/v1/classify", Permission::TeamKey, max_body_bytes,
            [&policies](Exchange& exchange, CallerPtr caller) { return answer(policies, std::move(caller), exchange); }};
}

}  // namespace sluice::gateway
