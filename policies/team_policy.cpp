#include "policies/team_policy.hpp"

#include "core/crypto.hpp"

#include <utility>

namespace sluice::policies {

namespace {

core::Result<void> check(const TeamPolicy& policy, const std::string& path) {
    if (policy.action(core::DataClass::Public) == core::Action::Redact)
        return core::Error{core::Errc::InvalidRequest, "redact: public data has nothing to mask; use cloud, local or block",
                           path + ".actions.public"};
    if (policy.redact.otherwise != core::Action::Local && policy.redact.otherwise != core::Action::Block)
        return core::Error{core::Errc::InvalidRequest, "must be local or block", path + ".redact.otherwise"};
    if (policy.default_max_tokens < 1 || policy.most_max_tokens < policy.default_max_tokens)
        return core::Error{core::Errc::InvalidRequest, "must be at least default_max_tokens, which must be at least 1",
                           path + ".max_tokens"};
    return {};
}

std::string describe(const FindingRules& rules) {
    std::string text = rules.including_s4 ? "s4" : "";
    for (const auto& [type, score] : rules.thresholds) text += ":" + type + "=" + std::to_string(score);
    for (const auto& type : rules.disabled) text += ":-" + type;
    return text;
}

std::string describe(const TeamPolicy& policy) {
    std::string text = policy.name;
    for (const auto action : policy.action_of) text.append("/").append(core::to_string(action));
    text.append("/").append(core::to_string(policy.attachments));
    text += "/" + std::string{core::to_string(policy.redact.otherwise)} + (policy.redact.sticky ? "/sticky" : "");
    text += "/" + std::to_string(static_cast<int>(policy.memory.store)) + "/" + std::to_string(policy.memory.keep.count()) + "/" +
            std::string{core::to_string(policy.memory.unreachable)} + "/" + std::to_string(static_cast<int>(policy.responses));
    if (!policy.findings.empty()) text += "/" + describe(policy.findings);
    return text + "/" + std::to_string(policy.default_max_tokens) + "/" + std::to_string(policy.most_max_tokens);
}

}  // namespace

std::string TeamPolicy::rule_name(core::DataClass data_class) const {
    return name + ": " + std::string{core::to_string(data_class)} + " -> " +
           std::string{core::to_string(action(data_class))};
}

core::Result<PolicyBook> PolicyBook::make(TeamPolicy fallback, std::map<std::string, TeamPolicy, std::less<>> teams) {
    if (auto checked = check(fallback, "policies.default"); !checked) return checked.error();
    for (auto& [team, policy] : teams) {
        if (auto checked = check(policy, "policies.teams." + team); !checked) return checked.error();
        policy.name = "team " + team;
    }
    PolicyBook book;
    book.fallback_ = std::move(fallback);
    book.teams_ = std::move(teams);
    return book;
}

const TeamPolicy& PolicyBook::for_team(std::string_view team) const {
    const auto found = teams_.find(team);
    return found == teams_.end() ? fallback_ : found->second;
}

std::string PolicyBook::version() const {
    std::string text = describe(fallback_);
    for (const auto& [team, policy] : teams_) text += "|" + team + "=" + describe(policy);
    return core::to_hex(core::sha256(text)).substr(0, 16);
}

}  // namespace sluice::policies
