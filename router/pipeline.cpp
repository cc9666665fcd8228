#include "router/pipeline.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <algorithm>
#include <utility>

#include "cache/memory_cache.hpp"
#include "router/pipeline_work.hpp"

namespace sluice::router {

namespace net = core::net;
using core::Errc;
using core::Result;

namespace {

// Lets every request that is ready on this loop come as far as this one has. A step done for many requests in a row finds its
// code and tables in the processor's caches; one request from end to end pushes out all that the next one needs (decision 0022).
core::awaitable<void> others_first(const core::Executor& loop) { return net::post(loop, core::use_awaitable); }

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

}  // namespace

core::awaitable<Result<void>> Pipeline::run(Incoming incoming, ClientReply& reply) {
    const auto loop = co_await net::this_coro::executor;
    const auto rules = parts_.policies.get();
    const auto& policy = rules->for_team(incoming.caller->team_name);
    Work work{.rules = rules, .policy = policy, .decision = begin_decision(incoming, *rules), .incoming = std::move(incoming)};
    reply.set_head(head_of(work.decision));  // even a refusal carries the decision's id
    co_await others_first(loop);
    if (!recall_at_once(work)) co_await recall(work);
    const auto judged = judge(work);
    reply.set_head(head_of(work.decision));
    if (work.recalled && Conversations::anything_private(*work.classified, work.incoming.declared, work.masked()))
        co_await parts_.conversations->remember_request(*work.recalled, *work.classified, work.incoming.declared, work.masked(), *work.incoming.caller,
                                                        work.policy);
    if (!judged) co_return co_await give_up(work, judged.error());
    co_await others_first(loop);
    if (may_be_cached(work)) {
        auto* here = parts_.cache->in_process();
        auto kept = here != nullptr ? here->find_now(*work.cache_key, work.started) : std::nullopt;
        if (here == nullptr) kept = co_await parts_.cache->find(*work.cache_key);
        if (kept) co_return co_await replay(work, *kept, reply);
        work.decision.cache = CacheStatus::Miss;
    }

    // Arguments are named before a co_await: gcc 12 destroys braced temporaries inside one twice.
    const core::NanoUsd worst = work.plan.steps.front().worst_case;
    policies::HoldRequest request{.id = work.decision.id,
                                  .caller = work.incoming.caller,
                                  .amount = worst,
                                  .target = work.decision.plan.front(),
                                  .zone = parts_.targets[work.plan.steps.front().target].zone};
    auto held = parts_.ledger.hold_at_once(request);
    if (!held) held.emplace(co_await parts_.ledger.hold(std::move(request)));
    auto& hold = *held;
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
        co_await parts_.conversations->remember_answer(*work.recalled, work.decision.data_class, masked, texts, work.incoming.caller->team, work.policy);
    }

    // Durable before the client sees the end of the answer.
    policies::Settlement settlement{.charge = work.charged,
                                    .usage = work.usage,
                                    .target = work.decision.target,
                                    .zone = work.decision.zone,
                                    .decision_json = to_json(work.decision),
                                    .estimated = work.usage.estimated};
    auto settled = parts_.ledger.settle_at_once(*hold, settlement);
    if (!settled) settled.emplace(co_await parts_.ledger.settle(std::move(*hold), std::move(settlement)));
    if (outcome && !*settled) outcome = settled->error();
    co_await others_first(loop);
    if (!outcome) {
        if (reply.started()) co_await reply.fail(outcome.error());
        co_return outcome;
    }
    // The end of the answer: [DONE] or the held-back body.
    Result<void> delivered;
    if (auto& body = recorded.held_body()) delivered = co_await reply.body(*body);
    else delivered = co_await reply.end();
    if (auto kept = worth_keeping(work, recorded)) {
        auto* here = parts_.cache->in_process();
        if (here != nullptr) here->store_now(*work.cache_key, std::move(*kept));
        else co_await parts_.cache->store(*work.cache_key, std::move(*kept));
    }
    co_return delivered;
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
    Work work{.rules = rules, .policy = policy, .decision = begin_decision(incoming, *rules), .incoming = std::move(incoming)};
    if (!recall_at_once(work)) co_await recall(work);
    const auto judged = judge(work);
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
