// Steps 1 to 3 of a request: what is known of it, how sensitive it is, and where it may go.
#include <utility>

#include "core/ulid.hpp"
#include "router/pipeline_work.hpp"

namespace sluice::router {

namespace {

std::int64_t unix_nanoseconds() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

Decision Pipeline::begin_decision(const Incoming& incoming, const policies::PolicySet& rules) const {
    Decision decision;
    decision.policy_version = rules.version();
    decision.unix_nanoseconds = unix_nanoseconds();
    decision.id = "dec_" + core::make_ulid(decision.unix_nanoseconds / 1'000'000);
    decision.request_id = incoming.request_id;
    decision.team = incoming.caller->team;
    decision.team_name = incoming.caller->team_name;
    decision.key = incoming.caller->key;
    decision.key_name = incoming.caller->key_name;
    // A model that is not there is text of the client's, which records do not repeat.
    const std::string& model = incoming.request->model();
    decision.model = planner_.knows(model) ? model : "(not configured)";
    decision.stream = incoming.request->stream();
    decision.declared = incoming.declared;
    return decision;
}

// False: what was said before has to be asked for over the network.
bool Pipeline::recall_at_once(Work& work) const {
    if (parts_.conversations == nullptr) return true;
    work.recalled = parts_.conversations->recall_at_once(work.request(), *work.incoming.caller, work.policy);
    return work.recalled.has_value();
}

core::awaitable<void> Pipeline::recall(Work& work) const {
    work.recalled = co_await parts_.conversations->recall(work.request(), *work.incoming.caller, work.policy);
}

// Classify, find the policy's rule and plan: everything that happens before money or network.
core::Result<void> Pipeline::judge(Work& work) const {
    const auto before = std::chrono::steady_clock::now();
    work.classified = work.rules->classifier().classify(work.incoming.request, work.context());
    Decision& decision = work.decision;
    decision.data_class = work.classified->data_class();
    decision.reason = work.classified->reason();
    decision.findings = work.classified->findings();
    if (work.recalled && work.recalled->data_class() > core::DataClass::Public) decision.conversation = work.recalled->data_class();
    if (work.policy.action(decision.data_class) == core::Action::Redact) redact(work);
    decision.classify_microseconds = microseconds_since(before);

    const auto planned = planner_.plan(*work.classified, work.policy, work.plan, work.redacted ? &work.redacted->request : nullptr);
    decision.action = work.plan.action;
    decision.rule = work.plan.rule;
    decision.note = work.plan.note;
    if (!work.unmaskable.empty()) decision.note = "not masked: " + work.unmaskable + (decision.note.empty() ? "" : "; " + decision.note);
    if (work.redacted) decision.masked = work.redacted->masked;
    for (const auto& step : work.plan.steps) decision.plan.push_back(parts_.targets[step.target].entry.name);
    for (const auto& [target, reason] : work.plan.excluded) decision.exclusions.emplace_back(parts_.targets[target].entry.name, reason);
    return planned;
}

// Masks what keeps the request out of the cloud, or says why it cannot be masked.
void Pipeline::redact(Work& work) const {
    if (!work.recalled) {
        work.unmaskable = "masking is not set up";
        return;
    }
    Conversations::name(*work.recalled, work.request());
    const Recalled& recalled = *work.recalled;
    policies::RedactContext context{.classify = work.context(),
                                    .conversation_key = recalled.labels.conversation_key(recalled.conversation, "placeholders"),
                                    .known = recalled.known,
                                    .conversation = [&recalled](const policies::PlaceholderMap& map) { return recalled.data_class_if_masked(map); }};
    auto redacted = policies::Redactor{work.rules->classifier()}.redact(*work.classified, work.policy, std::move(context));
    if (redacted) work.redacted = std::move(*redacted);
    else work.unmaskable = redacted.error().detail;
}

}  // namespace sluice::router
