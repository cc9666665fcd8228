#include "router/planner.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice::router {

namespace {

using core::Action;
using core::Zone;

// Completion limit per choice: what the client asked for within policy and model limits; a policy default when it asked nothing.
core::Tokens clamp_max_tokens(const core::ChatRequest& request, const policies::TeamPolicy& policy, const policies::ModelEntry& entry) {
    core::Tokens limit = std::min(request.max_tokens().value_or(policy.default_max_tokens), policy.most_max_tokens);
    if (entry.max_output > 0) limit = std::min(limit, entry.max_output);
    return std::max<core::Tokens>(limit, 1);
}

bool is_auto(std::string_view model) { return model == Planner::kAuto || model == "sluice/auto"; }

}  // namespace

bool Planner::matches(const Target& target, std::string_view model) const {
    const auto& entry = target.entry;
    return entry.name == model || entry.model == model || target.upstream_model == model ||
           std::ranges::find(entry.aliases, model) != entry.aliases.end();
}

bool Planner::knows(std::string_view model) const {
    return is_auto(model) || std::ranges::any_of(targets_, [&](const Target& target) { return matches(target, model); });
}

std::string Planner::why_excluded(std::size_t index, const core::Classified& classified, Action action, bool any_model) const {
    const Target& target = targets_[index];
    const auto& request = classified.request();
    if (action == Action::Local && target.zone == Zone::Cloud)
        return "zone: policy keeps " + std::string{core::to_string(classified.data_class())} + " data local";
    if (!any_model && !matches(target, request.model())) return "model: not the one asked for";
    if (request.has_tools() && !target.entry.tools && target.zone == Zone::Cloud) return "capability: no tools";
    if (request.has_attachments() && !target.entry.images) return "capability: text only";
    return {};
}

Step Planner::make_step(std::size_t index, const core::Classified& classified, const policies::TeamPolicy& policy,
                        const std::shared_ptr<const core::CloudCleared>& cleared) const {
    const Target& target = targets_[index];
    const bool cloud_call = std::holds_alternative<core::CloudBackend*>(target.backend);
    const auto& request = cloud_call && cleared ? cleared->request() : classified.request();
    const bool embeds = request.operation() == core::Operation::Embeddings;
    const core::Tokens max_tokens = embeds ? 0 : clamp_max_tokens(request, policy, target.entry);
    Step step{.target = index,
              .call = LocalStep{nullptr, nullptr},
              .worst_case = policies::worst_case(target.entry, request.prompt_tokens_bound(), max_tokens, request.choices()),
              .max_tokens = max_tokens};
    if (const auto* cloud = std::get_if<core::CloudBackend*>(&target.backend)) step.call = CloudStep{*cloud, cleared};
    else step.call = LocalStep{std::get<core::LocalBackend*>(target.backend), classified.shared_request()};
    return step;
}

core::Error Planner::unknown_model(const std::string& model) const {
    std::string known;
    for (const auto& name : catalogue_.near_names(model)) {
        const bool configured = std::ranges::any_of(targets_, [&](const Target& target) { return target.entry.name == name; });
        if (configured) known += (known.empty() ? "" : ", ") + name;
    }
    if (known.empty())
        for (const auto& target : targets_) known += (known.empty() ? "" : ", ") + target.entry.name;
    return core::Error{core::Errc::ModelNotFound, "no such model is configured; available: auto, " + known, "model"};
}

core::Result<void> Planner::plan(const core::Classified& classified, const policies::TeamPolicy& policy, Plan& plan,
                                 const core::Classified* masked) const {
    const auto& request = classified.request();
    const auto data_class = classified.data_class();
    plan.action = policy.action(data_class);
    plan.rule = policy.rule_name(data_class);
    if (plan.action == Action::Redact && masked == nullptr) plan.action = policy.redact.otherwise;
    if (plan.action == Action::Block)
        return core::Error{core::Errc::Refused, "policy blocks data class " + std::string{core::to_string(data_class)}};

    const bool automatic = is_auto(request.model());
    // Vectors of different models cannot be compared: for embeddings no model stands in for another.
    const bool embeds = request.operation() == core::Operation::Embeddings;
    if (embeds && automatic) return core::Error{core::Errc::InvalidRequest, "must name a model: vectors of different models cannot be compared", "model"};
    const auto asked = [&](const Target& target) { return automatic || matches(target, request.model()); };
    if (std::ranges::none_of(targets_, asked)) return unknown_model(request.model());
    // A private request for a cloud model is served by a local one rather than refused.
    const bool substitute = !embeds && plan.action == Action::Local && std::ranges::none_of(targets_, [&](const Target& target) {
                                return asked(target) && target.zone == Zone::Local;
                            });
    if (substitute) plan.note = "the model asked for is in the cloud; " + std::string{core::to_string(data_class)} + " data stays local";

    std::shared_ptr<const core::CloudCleared> cleared;
    const core::Classified& outgoing = plan.action == Action::Redact ? *masked : classified;
    if (auto clearance = gate_.clear(outgoing, policy)) cleared = std::make_shared<const core::CloudCleared>(std::move(*clearance));

    for (std::size_t i = 0; i < targets_.size(); ++i) {
        std::string reason = why_excluded(i, classified, plan.action, automatic || substitute);
        // No clearance, no cloud: should the two ever disagree, the gate wins.
        if (reason.empty() && targets_[i].zone == Zone::Cloud && !cleared) reason = "zone: not cleared for the cloud";
        if (reason.empty() && std::holds_alternative<core::CloudBackend*>(targets_[i].backend) && !cleared)
            reason = "zone: not cleared for the cloud";
        if (reason.empty()) plan.steps.push_back(make_step(i, classified, policy, cleared));
        else plan.excluded.push_back({i, std::move(reason)});
    }

    // Resting targets go last rather than away: when all rest, one try is better than a refusal.
    const auto order = [&](const Step& step) {
        const bool cloud = targets_[step.target].zone == Zone::Cloud;
        const bool second_zone = plan.action != Action::Local && automatic && !cloud;
        return std::tuple{!health_.healthy(step.target), second_zone, step.worst_case.value};
    };
    if (plan.steps.size() > 1) std::ranges::stable_sort(plan.steps, {}, order);
    if (!plan.steps.empty()) return {};
    return core::Error{core::Errc::Refused, "no configured target may serve this request: data class " +
                                                std::string{core::to_string(data_class)} + ", " +
                                                (plan.action == Action::Local ? "kept local by policy" : "see exclusions of the decision")};
}

}  // namespace sluice::router
