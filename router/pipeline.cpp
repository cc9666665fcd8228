#include "router/pipeline.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <algorithm>
#include <random>
#include <utility>

#include "core/ulid.hpp"
#include "router/attempt_cost.hpp"
#include "router/restoring_filter.hpp"
#include "router/rewriting_sink.hpp"
#include "router/scanning_filter.hpp"

namespace sluice::router {

namespace net = core::net;
using core::Errc;
using core::Result;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using Clock = std::chrono::steady_clock;

struct Pipeline::Work {
    Incoming incoming;
    std::shared_ptr<const policies::PolicySet> rules;
    const policies::TeamPolicy& policy;  // of the rules
    Decision decision;
    std::optional<Recalled> recalled = std::nullopt;
    std::optional<core::Classified> classified = std::nullopt;
    std::optional<policies::Redacted> redacted = std::nullopt;  // what the cloud is sent instead, when policy redacts
    std::string unmaskable = {};                                // why there is no such thing
    AnswerText answer = {};
    Plan plan = {};
    std::optional<cache::Key> cache_key = std::nullopt;
    core::NanoUsd held = {};     // what the hold covers
    core::NanoUsd charged = {};  // by attempts so far
    core::Usage usage = {};      // sum over attempts
    Clock::time_point started = Clock::now();

    const core::ChatRequest& request() const { return *incoming.request; }
    const policies::Redacted* masked() const { return redacted ? &*redacted : nullptr; }
    policies::ClassifyContext context() const {
        return {.floor = incoming.caller->floor,
                .declared = incoming.declared,
                .attachments = policy.attachments,
                .conversation = recalled ? recalled->data_class() : core::DataClass::Public,
                .rules = &policy.findings};
    }
};

namespace {

// Lets every request that is ready on this loop come as far as this one has. A step done for many requests in a row finds its
// code and tables in the processor's caches; one request from end to end pushes out all that the next one needs (decision 0022).
core::awaitable<void> others_first(const core::Executor& loop) { return net::post(loop, core::use_awaitable); }

std::int64_t unix_nanoseconds() {
    return duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::int64_t microseconds_since(Clock::time_point start) { return duration_cast<microseconds>(Clock::now() - start).count(); }

// The model as it was asked for, if there is such a one: anything else is text of the client's, which records do not repeat.
std::string known_model(const std::string& model, const Targets& targets) {
    const bool known = model == Planner::kAuto || model == "sluice/auto" || std::ranges::any_of(targets, [&](const Target& target) {
                           return target.entry.name == model || target.entry.model == model || target.upstream_model == model ||
                                  std::ranges::find(target.entry.aliases, model) != target.entry.aliases.end();
                       });
    return known ? model : "(not configured)";
}

Decision begin_decision(const Incoming& incoming, const policies::PolicySet& rules, const Targets& targets) {
    Decision decision;
    decision.policy_version = rules.version();
    decision.unix_nanoseconds = unix_nanoseconds();
    decision.id = "dec_" + core::make_ulid(decision.unix_nanoseconds / 1'000'000);
    decision.request_id = incoming.request_id;
    decision.team = incoming.caller->team;
    decision.team_name = incoming.caller->team_name;
    decision.key = incoming.caller->key;
    decision.key_name = incoming.caller->key_name;
    decision.model = known_model(incoming.request->model(), targets);
    decision.stream = incoming.request->stream();
    decision.declared = incoming.declared;
    return decision;
}

Outcome outcome_of(const Result<void>& result) {
    if (result) return Outcome::Served;
    switch (result.error().code) {
        case Errc::Refused: return Outcome::Blocked;
        case Errc::BudgetExceeded: return Outcome::OverBudget;
        case Errc::InvalidRequest:
        case Errc::ModelNotFound: return Outcome::Refused;
        case Errc::Cancelled: return Outcome::Cancelled;
        default: return Outcome::Failed;
    }
}

ReplyHead head_of(const Decision& decision) {
    return {.decision = decision.id, .target = decision.target, .zone = decision.zone, .data_class = decision.data_class, .cache = decision.cache};
}

void add(core::Usage& sum, const core::Usage& more) {
    sum.prompt += more.prompt;
    sum.completion += more.completion;
    sum.cached += more.cached;
    sum.reasoning += more.reasoning;
    sum.estimated = sum.estimated || more.estimated;
}

}  // namespace

// Classify, find the policy's rule and plan: everything that happens before money or network.
core::awaitable<Result<void>> Pipeline::judge(Work& work) {
    if (parts_.conversations != nullptr)
        work.recalled = co_await parts_.conversations->recall(work.request(), *work.incoming.caller, work.policy);
    const auto before = Clock::now();
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
    co_return planned;
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

core::awaitable<Result<void>> Pipeline::run(Incoming incoming, ClientReply& reply) {
    const auto loop = co_await net::this_coro::executor;
    const auto rules = parts_.policies.get();
    const auto& policy = rules->for_team(incoming.caller->team_name);
    Work work{.incoming = incoming, .rules = rules, .policy = policy, .decision = begin_decision(incoming, *rules, parts_.targets)};
    reply.set_head(head_of(work.decision));  // even a refusal carries the decision's id
    co_await others_first(loop);
    const auto judged = co_await judge(work);
    reply.set_head(head_of(work.decision));
    if (work.recalled)
        co_await parts_.conversations->remember_request(*work.recalled, *work.classified, work.incoming.declared, work.masked(), *work.incoming.caller,
                                                        work.policy);
    if (!judged) co_return co_await give_up(work, judged.error());
    co_await others_first(loop);
    const bool replayed = co_await replay_from_cache(work, reply);
    if (replayed) co_return Result<void>{};

    // Arguments are named before a co_await: gcc 12 destroys braced temporaries inside one twice.
    const core::NanoUsd worst = work.plan.steps.front().worst_case;
    policies::HoldRequest request{.id = work.decision.id,
                                  .caller = work.incoming.caller,
                                  .amount = worst,
                                  .target = work.decision.plan.front(),
                                  .zone = parts_.targets[work.plan.steps.front().target].zone};
    auto hold = co_await parts_.ledger.hold(std::move(request));
    if (!hold) {
        core::Error error = hold.error();
        if (error.code == Errc::BudgetExceeded) error.detail = "team " + work.decision.team_name + ": " + error.detail;
        co_return co_await give_up(work, std::move(error));
    }
    work.held = worst;

    RecordingSink recorded{reply, config_.most_cached_bytes};
    const bool remembers = work.recalled && work.decision.data_class > core::DataClass::Public;
    if (remembers) {
        Conversations::name(*work.recalled, work.request());
        recorded.collect(work.answer);
    }
    co_await others_first(loop);
    auto outcome = co_await serve(work, *hold, recorded, reply);
    co_await others_first(loop);
    finish(work, outcome_of(outcome), outcome);
    // Before the client has the end of the answer: the next turn may come at once.
    if (remembers) {
        const auto texts = work.answer.texts();
        const auto* masked = work.decision.zone == core::Zone::Cloud ? work.masked() : nullptr;
        co_await parts_.conversations->remember_answer(*work.recalled, work.decision.data_class, masked, texts, work.policy);
    }

    // Durable before the client sees the end of the answer.
    policies::Settlement settlement{.charge = work.charged,
                                    .usage = work.usage,
                                    .target = work.decision.target,
                                    .zone = work.decision.zone,
                                    .decision_json = to_json(work.decision),
                                    .estimated = work.usage.estimated};
    const auto settled = co_await parts_.ledger.settle(std::move(*hold), std::move(settlement));
    if (outcome && !settled) outcome = settled.error();
    co_await others_first(loop);
    const auto delivered = co_await deliver(recorded, reply, outcome);
    if (outcome) co_await remember(work, recorded);
    co_return outcome ? delivered : outcome;
}

// Tries the plan's steps until one answers, the client has seen a byte, or trying more cannot help.
core::awaitable<Result<void>> Pipeline::serve(Work& work, policies::Hold& hold, RecordingSink& recorded, ClientReply& reply) {
    Result<void> result = core::Error{Errc::Refused, "no target may serve this request"};
    int attempts = 0;
    std::size_t index = 0;
    while (index < work.plan.steps.size() && attempts < config_.most_attempts) {
        const Step& step = work.plan.steps[index];
        const Target& target = parts_.targets[step.target];
        if (reply.client_gone()) co_return core::Error{Errc::Cancelled, "the client closed its connection"};

        const core::NanoUsd needed = work.charged + step.worst_case;
        if (needed > work.held) {  // an earlier attempt was billed, or this target costs more
            const auto extended = co_await parts_.ledger.extend(hold, needed - work.held);
            if (!extended) co_return attempts == 0 ? extended : result;
            work.held = needed;
        }
        work.decision.hold = work.held;
        work.decision.target = target.entry.name;
        work.decision.zone = target.zone;
        reply.set_head(head_of(work.decision));

        const auto before = Clock::now();
        parts_.ledger.sent(hold);
        auto outcome = co_await attempt(work, step, recorded);
        ++attempts;
        const auto* cloud = std::get_if<CloudStep>(&step.call);
        const auto cost = attempt_cost(outcome, cloud != nullptr ? cloud->request->request() : work.request(), target.entry, step.worst_case);
        work.charged = work.charged + cost.charge;
        add(work.usage, cost.usage);
        hold.note(work.charged);
        result = outcome.result;
        work.decision.attempts.push_back({.target = target.entry.name,
                                          .result = result ? "ok" : std::string{to_string(result.error().code)},
                                          .upstream_status = result ? 0 : result.error().upstream_status,
                                          .microseconds = microseconds_since(before),
                                          .charge = cost.charge});
        if (result) {
            parts_.health.succeeded(step.target);
            co_return result;
        }
        if (!outcome.retry_may_help || reply.started()) co_return result;
        parts_.health.failed(step.target, result.error().retry_after.value_or(std::chrono::seconds::zero()));
        const bool another_target = index + 1 < work.plan.steps.size();
        if (another_target) ++index;
        else if (auto waited = co_await wait_before_retry(result.error(), attempts, work.incoming.deadline); !waited) co_return result;
    }
    co_return result;
}

core::awaitable<core::ServeOutcome> Pipeline::attempt(Work& work, const Step& step, RecordingSink& recorded) {
    const Target& target = parts_.targets[step.target];
    const std::string tenant = std::to_string(work.incoming.caller->team.value);
    const core::ServeOptions options{.model = target.upstream_model,
                                     .max_tokens = step.max_tokens,
                                     .deadline = work.incoming.deadline,
                                     .request_id = work.incoming.request_id,
                                     .tenant = tenant};
    if (const auto* cloud = std::get_if<CloudStep>(&step.call)) co_return co_await ask_cloud(work, *cloud, options, recorded);
    const auto& local = std::get<LocalStep>(step.call);
    co_return co_await local.backend->serve(*local.request, options, recorded);
}

// What a cloud answers may be scanned, and gets the masked values back, before anybody else sees it.
core::awaitable<core::ServeOutcome> Pipeline::ask_cloud(Work& work, const CloudStep& step, const core::ServeOptions& options, RecordingSink& recorded) {
    std::optional<RewritingSink> restored;
    std::optional<RewritingSink> scanned;
    core::ReplySink* sink = &recorded;
    if (work.redacted) sink = &restored.emplace(*sink, restoring(work.redacted->map, work.decision.restored));
    work.decision.response_scan = work.policy.responses;
    if (work.policy.responses != policies::ResponseScan::Off)
        sink = &scanned.emplace(*sink, scanning(work.rules->classifier(), work.policy, work.decision.response_findings));
    auto outcome = co_await step.backend->serve(*step.request, options, *sink);
    for (auto* rewriting : {scanned ? &*scanned : nullptr, restored ? &*restored : nullptr}) {
        if (rewriting == nullptr || !outcome.result || !step.request->request().stream()) continue;
        if (auto passed_on = co_await rewriting->finish(); !passed_on) outcome.result = passed_on;
    }
    co_return outcome;
}

// Backs off before the same target is tried again. An error: waiting is pointless.
core::awaitable<Result<void>> Pipeline::wait_before_retry(const core::Error& error, int attempts, const core::Deadline& deadline) {
    thread_local std::minstd_rand jitter{std::random_device{}()};
    std::chrono::milliseconds pause = config_.first_backoff * (1 << std::min(attempts - 1, 6));
    pause += pause * static_cast<int>(jitter() % 100) / 100;
    if (error.retry_after) {
        if (*error.retry_after > config_.longest_retry_after) co_return error;
        pause = std::max<std::chrono::milliseconds>(pause, *error.retry_after);
    }
    if (Clock::now() + pause >= deadline.at() || attempts >= config_.most_attempts) co_return error;
    core::Timer timer{co_await net::this_coro::executor, pause};
    boost::system::error_code aborted;
    co_await timer.async_wait(net::redirect_error(core::use_awaitable, aborted));
    if (aborted) co_return error;
    co_return Result<void>{};
}

// The end of the answer: [DONE] or the held-back body; after a broken stream an in-band error.
core::awaitable<Result<void>> Pipeline::deliver(RecordingSink& recorded, ClientReply& reply, const Result<void>& outcome) {
    if (!outcome) {
        if (reply.started()) co_await reply.fail(outcome.error());
        co_return outcome;
    }
    if (auto& body = recorded.held_body()) co_return co_await reply.body(*body);
    co_return co_await reply.end();
}

core::awaitable<bool> Pipeline::replay_from_cache(Work& work, ClientReply& reply) {
    if (parts_.cache == nullptr || !cache::is_cacheable(work.request(), config_.cache_policy)) co_return false;
    // Answers to masked requests are not kept: they hold other people's values (docs/decisions/0010-no-cache-of-redacted.md).
    if (work.redacted) co_return false;
    // Answers to what may go to the cloud may also be shared through Redis; all others stay in this process.
    const auto reach = work.plan.action == core::Action::Cloud ? cache::MayLeaveProcess::Yes : cache::MayLeaveProcess::No;
    work.cache_key = parts_.cache_keys->make(work.request(), *work.incoming.caller, work.decision.data_class, work.rules->version(), reach);
    const auto found = co_await parts_.cache->find(*work.cache_key);
    if (!found) {
        work.decision.cache = CacheStatus::Miss;
        co_return false;
    }
    if (work.recalled && work.decision.data_class > core::DataClass::Public) {  // what was remembered then may be gone by now
        Conversations::name(*work.recalled, work.request());
        for (const auto& chunk : found->chunks) work.answer.chunk(chunk);
        if (!found->body.empty()) work.answer.body(found->body);
        const auto texts = work.answer.texts();
        co_await parts_.conversations->remember_answer(*work.recalled, work.decision.data_class, nullptr, texts, work.policy);
    }
    work.decision.cache = CacheStatus::Hit;
    work.decision.target = found->target;
    work.decision.zone = found->zone;
    work.decision.usage = found->usage;
    reply.set_head(head_of(work.decision));
    finish(work, Outcome::CacheHit, {});
    co_await parts_.ledger.record(work.decision.id, work.incoming.caller, to_json(work.decision));
    if (work.request().stream()) {
        const std::vector<std::string_view> chunks(found->chunks.begin(), found->chunks.end());
        const auto sent = co_await reply.events(chunks);
        if (sent) co_await reply.end();
    } else {
        co_await reply.body(found->body);
    }
    co_return true;
}

core::awaitable<void> Pipeline::remember(Work& work, RecordingSink& recorded) {
    if (!work.cache_key) co_return;
    // An answer from the local zone never leaves the process, even when the request might have.
    if (work.decision.zone == core::Zone::Local && work.cache_key->may_leave_process() == cache::MayLeaveProcess::Yes) co_return;
    cache::CachedReply reply{.usage = work.usage, .target = work.decision.target, .zone = work.decision.zone};
    if (auto& body = recorded.held_body()) reply.body = std::move(*body);
    else if (recorded.complete()) reply.chunks = recorded.chunks();
    if (reply.body.empty() && reply.chunks.empty()) co_return;
    if (reply.body.size() > config_.most_cached_bytes) co_return;
    co_await parts_.cache->store(*work.cache_key, std::move(reply));
}

// Ends a request that cost nothing: the decision is recorded, the error goes to the client.
core::awaitable<Result<void>> Pipeline::give_up(Work& work, core::Error error) {
    const Result<void> result = error;
    finish(work, outcome_of(result), result);
    co_await parts_.ledger.record(work.decision.id, work.incoming.caller, to_json(work.decision));
    co_return result;
}

void Pipeline::finish(Work& work, Outcome outcome, const Result<void>& result) const {
    Decision& decision = work.decision;
    decision.outcome = outcome;
    if (!result) decision.error = to_string(result.error().code);
    if (outcome != Outcome::CacheHit) {
        decision.usage = work.usage;
        decision.cost = std::min(work.charged, work.held);
    }
    decision.total_microseconds = microseconds_since(work.started);
    if (parts_.observe) parts_.observe(decision);
}

core::awaitable<Decision> Pipeline::explain(Incoming incoming) {
    const auto rules = parts_.policies.get();
    const auto& policy = rules->for_team(incoming.caller->team_name);
    Work work{.incoming = incoming, .rules = rules, .policy = policy, .decision = begin_decision(incoming, *rules, parts_.targets)};
    const auto judged = co_await judge(work);
    Decision& decision = work.decision;
    if (!judged) {
        decision.outcome = outcome_of(judged);
        decision.error = to_string(judged.error().code);
        co_return decision;
    }
    const Step& first = work.plan.steps.front();
    decision.outcome = Outcome::Served;
    decision.target = parts_.targets[first.target].entry.name;
    decision.zone = parts_.targets[first.target].zone;
    decision.hold = first.worst_case;
    co_return decision;
}

}  // namespace sluice::router
