#include "gateway/serve/health_api.hpp"

#include <utility>

namespace sluice::gateway {

namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kPrometheus = "text/plain; version=0.0.4; charset=utf-8";

core::awaitable<void> health(Exchange& exchange, CallerPtr) { co_await exchange.respond(200, kText, "ok\n"); }

core::awaitable<void> ready(Exchange& exchange, std::string reason) {
    if (reason.empty()) co_await exchange.respond(200, kText, "ready\n");
    else co_await exchange.respond(503, kText, "not ready: " + reason + "\n");
}

core::awaitable<void> metrics_page(Exchange& exchange, std::string page) { co_await exchange.respond(200, kPrometheus, std::move(page)); }

}  // namespace

std::vector<Route> health_routes(const Metrics& metrics, std::function<std::string()> not_ready, std::function<std::string()> gauges) {
    return {
        {"GET", "/healthz", Permission::Anyone, 0, health},
        {"GET", "/readyz", Permission::Anyone, 0, [reason = std::move(not_ready)](Exchange& exchange, CallerPtr) { return ready(exchange, reason()); }},
        {"GET", "/metrics", Permission::Anyone, 0,
         [&metrics, more = std::move(gauges)](Exchange& exchange, CallerPtr) { return metrics_page(exchange, metrics.render(more())); }},
    };
}

}  // namespace sluice::gateway
