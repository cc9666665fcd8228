// Decides where a request may be served and in which order: zone by policy, model by what the client asked for, price by
// the catalogue. Every target that is left out has its reason. Fallbacks are later steps of the same plan, so a fallback
// can never be less private than the first choice.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/caller.hpp"
#include "core/classified.hpp"
#include "policies/team_policy.hpp"
#include "router/backend_health.hpp"
#include "router/clearance_gate.hpp"
#include "router/target.hpp"

namespace sluice::router {

struct CloudStep {
    core::CloudBackend* backend;
    std::shared_ptr<const core::CloudCleared> request;  // a plan that leaks cannot be written
};
struct LocalStep {
    core::LocalBackend* backend;
    std::shared_ptr<const core::ChatRequest> request;
};

struct Step {
    std::size_t target = 0;  // index into Targets
    std::variant<CloudStep, LocalStep> call;
    core::NanoUsd worst_case;    // of one attempt
    core::Tokens max_tokens = 0;  // completion limit per choice
};

struct Exclusion {
    std::size_t target = 0;
    std::string reason;  // "zone: policy keeps restricted data local"
};

struct Plan {
    core::Action action = core::Action::Block;
    std::string rule;     // "default: restricted -> local"
    std::string note;     // "gpt-4o was asked for; restricted data stays local", or empty
    std::vector<Step> steps;
    std::vector<Exclusion> excluded;
};

class Planner {
public:
    // All references live as long as the planner. `targets` is the table of the event loop that runs this planner.
    Planner(const Targets& targets, const policies::Catalogue& catalogue, const BackendHealth& health)
        : targets_(targets), catalogue_(catalogue), health_(health) {}

    // Errors: Refused (policy blocks, or allows no target), ModelNotFound (detail lists near names).
    // A refused plan is still explained: `plan` holds rule and exclusions either way.
    // `masked`: what the cloud may be sent when the action is redact: the masked request as it was judged anew. Without
    // one, the policy's `redact.otherwise` is the action. Local steps always have the request as it came.
    core::Result<void> plan(const core::Classified& classified, const policies::TeamPolicy& policy, Plan& plan,
                            const core::Classified* masked = nullptr) const;

    // "auto": the cheapest allowed target, cloud first where policy allows the cloud.
    static constexpr std::string_view kAuto = "auto";

    // Whether it is "auto" or one of the names of a target.
    bool knows(std::string_view model) const;

private:
    bool matches(const Target& target, std::string_view model) const;
    std::string why_excluded(std::size_t index, const core::Classified& classified, core::Action action, bool any_model) const;
    Step make_step(std::size_t index, const core::Classified& classified, const policies::TeamPolicy& policy,
                   const std::shared_ptr<const core::CloudCleared>& cleared) const;
    core::Error unknown_model(const std::string& model) const;

    const Targets& targets_;
    const policies::Catalogue& catalogue_;
    const BackendHealth& health_;
    ClearanceGate gate_;
};

}  // namespace sluice::router
