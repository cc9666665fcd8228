#include "router/decision.hpp"

#include "core/json.hpp"
#include "policies/sensitivity/maskable.hpp"

namespace sluice::router {

using core::Json;

std::string_view to_string(Outcome outcome) {
    switch (outcome) {
        case Outcome::Served: return "served";
        case Outcome::CacheHit: return "cache_hit";
        case Outcome::Blocked: return "blocked";
        case Outcome::OverBudget: return "over_budget";
        case Outcome::Refused: return "refused";
        case Outcome::Failed: return "failed";
        case Outcome::Cancelled: return "cancelled";
    }
    return "failed";
}

std::string_view to_string(CacheStatus status) {
    switch (status) {
        case CacheStatus::Off: return "off";
        case CacheStatus::Miss: return "miss";
        case CacheStatus::Hit: return "hit";
    }
    return "off";
}

std::string_view to_string(core::Errc code) {
    using core::Errc;
    switch (code) {
        case Errc::InvalidRequest: return "invalid_request";
        case Errc::Unauthorized: return "unauthorized";
        case Errc::BudgetExceeded: return "budget_exceeded";
        case Errc::Forbidden: return "forbidden";
        case Errc::Refused: return "refused_by_policy";
        case Errc::NotFound: return "not_found";
        case Errc::ModelNotFound: return "model_not_found";
        case Errc::TooLarge: return "too_large";
        case Errc::Unsupported: return "unsupported";
        case Errc::RateLimited: return "rate_limited";
        case Errc::Cancelled: return "cancelled";
        case Errc::UpstreamRejected: return "upstream_rejected";
        case Errc::UpstreamFailed: return "upstream_failed";
        case Errc::Timeout: return "timeout";
        case Errc::Unavailable: return "unavailable";
        case Errc::Corrupt: return "corrupt";
        case Errc::Internal: return "internal";
    }
    return "internal";
}

namespace {

Json finding_json(const core::Finding& finding) {
    return Json{{"type", finding.type},       {"message", finding.message}, {"part", policies::printable_pointer(finding.part)},         {"begin", finding.begin},
                {"end", finding.end},         {"score", finding.score},     {"detector", finding.detector},
                {"data_class", core::to_string(finding.data_class)}};
}

Json attempt_json(const AttemptRecord& attempt) {
    Json json{{"target", attempt.target}, {"result", attempt.result}, {"us", attempt.microseconds}, {"charge_nano_usd", attempt.charge.value}};
    if (attempt.upstream_status != 0) json["upstream_status"] = attempt.upstream_status;
    return json;
}

}  // namespace

std::string to_json(const Decision& d) {
    Json json{{"id", d.id},
              {"object", "sluice.decision"},
              {"request_id", d.request_id},
              {"unix_ns", d.unix_nanoseconds},
              {"team", d.team_name},
              {"key", d.key_name},
              {"model", d.model},
              {"stream", d.stream},
              {"outcome", to_string(d.outcome)},
              {"data_class", core::to_string(d.data_class)},
              {"reason", d.reason},
              {"action", core::to_string(d.action)},
              {"rule", d.rule},
              {"zone", core::to_string(d.zone)},
              {"target", d.target},
              {"cache", to_string(d.cache)},
              {"hold_nano_usd", d.hold.value},
              {"cost_nano_usd", d.cost.value},
              {"cost_usd", core::format_usd(d.cost)},
              {"usage", {{"prompt_tokens", d.usage.prompt}, {"completion_tokens", d.usage.completion}, {"cached_tokens", d.usage.cached},
                         {"estimated", d.usage.estimated}}},
              {"classify_us", d.classify_microseconds},
              {"total_us", d.total_microseconds}};
    if (!d.error.empty()) json["error"] = d.error;
    if (!d.note.empty()) json["note"] = d.note;
    if (d.declared) json["declared"] = core::to_string(*d.declared);
    Json findings = Json::array();
    for (const auto& finding : d.findings) findings.push_back(finding_json(finding));
    json["findings"] = std::move(findings);
    if (d.conversation) json["conversation"] = core::to_string(*d.conversation);
    if (!d.masked.empty()) json["redaction"] = {{"masked", d.masked}, {"restored", d.restored}};
    if (d.response_scan != policies::ResponseScan::Off) {
        Json found = Json::array();
        for (const auto& finding : d.response_findings) found.push_back(finding_json(finding));
        json["response_scan"] = {{"action", d.response_scan == policies::ResponseScan::Flag ? "flag" : "mask"}, {"findings", std::move(found)}};
    }
    json["plan"] = d.plan;
    Json exclusions = Json::array();
    for (const auto& [target, reason] : d.exclusions) exclusions.push_back({{"target", target}, {"reason", reason}});
    json["exclusions"] = std::move(exclusions);
    Json attempts = Json::array();
    for (const auto& attempt : d.attempts) attempts.push_back(attempt_json(attempt));
    json["attempts"] = std::move(attempts);
    return core::dump_json(json);
}

}  // namespace sluice::router
