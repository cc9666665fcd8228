#include "router/decision.hpp"

#include "core/json_writer.hpp"
#include "policies/sensitivity/maskable.hpp"

namespace sluice::router {

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

void write(core::JsonWriter& out, const core::Finding& finding) {
    out.begin_object()
        .member("type", finding.type)
        .member("message", finding.message)
        .member("part", policies::printable_pointer(finding.part))
        .member("begin", finding.begin)
        .member("end", finding.end)
        .member("score", finding.score)
        .member("detector", finding.detector)
        .member("data_class", core::to_string(finding.data_class))
        .end_object();
}

void write(core::JsonWriter& out, const AttemptRecord& attempt) {
    out.begin_object()
        .member("target", attempt.target)
        .member("result", attempt.result)
        .member("us", attempt.microseconds)
        .member("charge_nano_usd", attempt.charge.value);
    if (attempt.upstream_status != 0) out.member("upstream_status", attempt.upstream_status);
    out.end_object();
}

void write(core::JsonWriter& out, const std::string& text) { out.value(text); }

void write(core::JsonWriter& out, const std::pair<std::string, std::string>& exclusion) {
    out.begin_object().member("target", exclusion.first).member("reason", exclusion.second).end_object();
}

template <class Element>
void write_list(core::JsonWriter& out, core::JsonName name, const std::vector<Element>& elements) {
    out.key(name).begin_array();
    for (const auto& element : elements) write(out, element);
    out.end_array();
}

void write(core::JsonWriter& out, const core::Usage& usage) {
    out.begin_object()
        .member("prompt_tokens", usage.prompt)
        .member("completion_tokens", usage.completion)
        .member("cached_tokens", usage.cached)
        .member("estimated", usage.estimated)
        .end_object();
}

// What was masked on the way out and what the answer's own scan found; nothing when neither was asked for.
void write_redaction(core::JsonWriter& out, const Decision& d) {
    if (!d.masked.empty()) {
        out.key("redaction").begin_object().key("masked").begin_object();
        for (const auto& [type, count] : d.masked) out.member(type, count);
        out.end_object().member("restored", d.restored).end_object();
    }
    if (d.response_scan == policies::ResponseScan::Off) return;
    out.key("response_scan").begin_object().member("action", d.response_scan == policies::ResponseScan::Flag ? "flag" : "mask");
    write_list(out, "findings", d.response_findings);
    out.end_object();
}

}  // namespace

std::string to_json(const Decision& d) {
    core::JsonWriter out{1024 + 256 * d.findings.size()};
    out.begin_object()
        .member("id", d.id)
        .member("object", "sluice.decision")
        .member("request_id", d.request_id)
        .member("unix_ns", d.unix_nanoseconds)
        .member("team", d.team_name)
        .member("key", d.key_name)
        .member("model", d.model)
        .member("stream", d.stream)
        .member("outcome", to_string(d.outcome))
        .member("data_class", core::to_string(d.data_class))
        .member("reason", d.reason)
        .member("action", core::to_string(d.action))
        .member("rule", d.rule)
        .member("policy_version", d.policy_version)
        .member("zone", core::to_string(d.zone))
        .member("target", d.target)
        .member("cache", to_string(d.cache))
        .member("hold_nano_usd", d.hold.value)
        .member("cost_nano_usd", d.cost.value)
        .member("cost_usd", core::format_usd(d.cost))
        .key("usage");
    write(out, d.usage);
    out.member("classify_us", d.classify_microseconds).member("total_us", d.total_microseconds);
    if (!d.error.empty()) out.member("error", d.error);
    if (!d.note.empty()) out.member("note", d.note);
    if (d.declared) out.member("declared", core::to_string(*d.declared));
    write_list(out, "findings", d.findings);
    if (d.conversation) out.member("conversation", core::to_string(*d.conversation));
    write_redaction(out, d);
    write_list(out, "plan", d.plan);
    write_list(out, "exclusions", d.exclusions);
    write_list(out, "attempts", d.attempts);
    return out.end_object().take();
}

}  // namespace sluice::router
