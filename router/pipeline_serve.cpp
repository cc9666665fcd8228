// The call: one attempt after the other until one answers or trying more cannot help.
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <algorithm>
#include <random>
#include <utility>

#include "router/attempt_cost.hpp"
#include "router/pipeline_work.hpp"
#include "router/restoring_filter.hpp"
#include "router/rewriting_sink.hpp"
#include "router/scanning_filter.hpp"

namespace sluice::router {

namespace net = core::net;
using core::Errc;
using core::Result;
using Clock = std::chrono::steady_clock;

namespace {

void add(core::Usage& sum, const core::Usage& more) {
    sum.prompt += more.prompt;
    sum.completion += more.completion;
    sum.cached += more.cached;
    sum.reasoning += more.reasoning;
    sum.estimated = sum.estimated || more.estimated;
}

}  // namespace

// Tries the plan's steps until one answers, the client has seen a byte, or trying more cannot help.
core::awaitable<Result<void>> Pipeline::serve(Work& work, policies::Hold& hold, RecordingSink& recorded, ClientReply& reply) {
    Result<void> result = core::Error{Errc::Refused, "no target may serve this request"};
    const std::string tenant = std::to_string(work.incoming.caller->team.value);
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
        const core::ServeOptions options{.model = target.upstream_model,
                                         .max_tokens = step.max_tokens,
                                         .deadline = work.incoming.deadline,
                                         .request_id = work.incoming.request_id,
                                         .tenant = tenant};
        auto outcome = co_await attempt(work, step, options, recorded);
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

core::awaitable<core::ServeOutcome> Pipeline::attempt(Work& work, const Step& step, const core::ServeOptions& options,
                                                      RecordingSink& recorded) {
    if (const auto* local = std::get_if<LocalStep>(&step.call)) return local->backend->serve(*local->request, options, recorded);
    const auto& cloud = std::get<CloudStep>(step.call);
    work.decision.response_scan = work.policy.responses;
    const bool as_it_is = !work.redacted && work.policy.responses == policies::ResponseScan::Off;
    if (as_it_is) return cloud.backend->serve(*cloud.request, options, recorded);
    return attempt_rewritten(work, cloud, options, recorded);
}

// What a cloud answers may be scanned, and gets the masked values back, before anybody else sees it.
core::awaitable<core::ServeOutcome> Pipeline::attempt_rewritten(Work& work, const CloudStep& cloud, const core::ServeOptions& options,
                                                                RecordingSink& recorded) {
    std::optional<RewritingSink> restored;
    std::optional<RewritingSink> scanned;
    core::ReplySink* sink = &recorded;
    if (work.redacted) sink = &restored.emplace(*sink, restoring(work.redacted->map, work.decision.restored));
    if (work.policy.responses != policies::ResponseScan::Off)
        sink = &scanned.emplace(*sink, scanning(work.rules->classifier(), work.policy, work.decision.response_findings));
    auto outcome = co_await cloud.backend->serve(*cloud.request, options, *sink);
    for (auto* rewriting : {scanned ? &*scanned : nullptr, restored ? &*restored : nullptr}) {
        if (rewriting == nullptr || !outcome.result || !cloud.request->request().stream()) continue;
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

}  // namespace sluice::router
