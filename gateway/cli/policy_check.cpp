#include "gateway/cli/policy_check.hpp"

#include "policies/sensitivity/redactor.hpp"

#include <algorithm>
#include <set>

namespace sluice::gateway::cli {
namespace {

using core::Json;

core::Result<core::ChatRequest> request_of(const PolicyCase& one) {
    if (one.body.empty()) return core::ChatRequest::from_json({{"model", "auto"}, {"messages", {{{"role", "user"}, {"content", one.text}}}}});
    auto body = core::parse_json(one.body);
    if (!body) return body.error();
    if (body->is_object() && !body->contains("model")) (*body)["model"] = "auto";
    return core::ChatRequest::from_json(std::move(*body));
}

// What a finding marked, when it stands in the text of the case itself.
std::string value_of(const PolicyCase& one, const core::Finding& finding) {
    const bool inside = one.body.empty() && finding.begin < finding.end && finding.end <= one.text.size();
    return inside ? one.text.substr(finding.begin, finding.end - finding.begin) : std::string{};
}

std::string joined(const std::set<std::string>& parts) {
    std::string out;
    for (const auto& part : parts) out += (out.empty() ? "" : ", ") + part;
    return out.empty() ? "(none)" : out;
}

// Expected entries with "=" name the value as well; what was found is shown the same way where that matters.
void compare_findings(const PolicyCase& one, const std::vector<core::Finding>& findings, std::vector<Difference>& out) {
    std::set<std::string> expected;
    std::set<std::string> types;  // whose values the case names
    for (const auto& entry : *one.findings) {
        expected.insert(entry);
        if (const auto equals = entry.find('='); equals != std::string::npos) types.insert(entry.substr(0, equals));
    }
    std::set<std::string> got;
    for (const auto& finding : findings) got.insert(types.contains(finding.type) ? finding.type + "=" + value_of(one, finding) : finding.type);
    if (got != expected) out.push_back({"findings", joined(expected), joined(got)});
}

core::Action action_of(const policies::PolicySet& rules, const policies::TeamPolicy& policy, const core::Classified& judged,
                       const policies::ClassifyContext& context) {
    const core::Action action = policy.action(judged.data_class());
    if (action != core::Action::Redact) return action;
    const auto masked = policies::Redactor{rules.classifier()}.redact(judged, policy, {.classify = context, .conversation_key = core::Secret{"policy test"}});
    return masked ? core::Action::Redact : policy.redact.otherwise;
}

}  // namespace

core::Result<std::vector<Difference>> differences(const policies::PolicySet& rules, const PolicyCase& one) {
    auto request = request_of(one);
    if (!request) return request.error();
    const policies::TeamPolicy& policy = rules.for_team(one.team);
    const policies::ClassifyContext context{.declared = one.declared, .attachments = policy.attachments, .rules = &policy.findings};
    const auto judged = rules.classifier().classify(std::make_shared<const core::ChatRequest>(std::move(*request)), context);
    std::vector<Difference> out;
    if (one.data_class && *one.data_class != judged.data_class())
        out.push_back({"class", std::string{core::to_string(*one.data_class)},
                       std::string{core::to_string(judged.data_class())} + " (" + judged.reason() + ")"});
    if (one.findings) compare_findings(one, judged.findings(), out);
    if (one.action) {
        const core::Action got = action_of(rules, policy, judged, context);
        if (got != *one.action)
            out.push_back({"action", std::string{core::to_string(*one.action)},
                           std::string{core::to_string(got)} + " (" + policy.rule_name(judged.data_class()) + ")"});
    }
    return out;
}

}  // namespace sluice::gateway::cli
