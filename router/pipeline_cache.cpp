// What the pipeline has to do with the prompt cache: which answers may be kept, and how one is given again.
#include <utility>

#include "router/pipeline_work.hpp"

namespace sluice::router {

using core::Result;

// Whether an answer to this may be kept and looked up, and under which key.
bool Pipeline::may_be_cached(Work& work) const {
    if (parts_.cache == nullptr || !cache::is_cacheable(work.request(), config_.cache_policy)) return false;
    // Answers to masked requests are not kept: they hold other people's values (docs/decisions/0010-no-cache-of-redacted.md).
    if (work.redacted) return false;
    // Answers to what may go to the cloud may also be shared through Redis; all others stay in this process.
    const auto reach = work.plan.action == core::Action::Cloud ? cache::MayLeaveProcess::Yes : cache::MayLeaveProcess::No;
    work.cache_key = parts_.cache_keys->make(work.request(), *work.incoming.caller, work.decision.data_class, work.rules->version(), reach);
    return true;
}

core::awaitable<Result<void>> Pipeline::replay(Work& work, const cache::CachedReply& kept, ClientReply& reply) {
    if (work.recalled && work.decision.data_class > core::DataClass::Public) {  // what was remembered then may be gone by now
        Conversations::name(*work.recalled, work.request());
        for (const auto& chunk : kept.chunks) work.answer.chunk(chunk);
        if (!kept.body.empty()) work.answer.body(kept.body);
        const auto texts = work.answer.texts();
        co_await parts_.conversations->remember_answer(*work.recalled, work.decision.data_class, nullptr, texts, work.incoming.caller->team, work.policy);
    }
    work.decision.cache = CacheStatus::Hit;
    work.decision.target = kept.target;
    work.decision.zone = kept.zone;
    work.decision.usage = kept.usage;
    reply.set_head(head_of(work.decision));
    finish(work, Outcome::CacheHit, {});
    co_await parts_.ledger.record(work.decision.id, work.incoming.caller, to_json(work.decision));
    if (work.request().stream()) {
        const std::vector<std::string_view> chunks(kept.chunks.begin(), kept.chunks.end());
        const auto sent = co_await reply.events(chunks);
        if (sent) co_await reply.end();
    } else {
        co_await reply.body(kept.body);
    }
    co_return Result<void>{};
}

std::optional<cache::CachedReply> Pipeline::worth_keeping(const Work& work, RecordingSink& recorded) const {
    if (!work.cache_key) return std::nullopt;
    // An answer from the local zone never leaves the process, even when the request might have.
    if (work.decision.zone == core::Zone::Local && work.cache_key->may_leave_process() == cache::MayLeaveProcess::Yes) return std::nullopt;
    cache::CachedReply reply{.usage = work.usage, .target = work.decision.target, .zone = work.decision.zone};
    if (auto& body = recorded.held_body()) reply.body = std::move(*body);
    else if (recorded.complete()) reply.chunks = recorded.chunks();
    if (reply.body.empty() && reply.chunks.empty()) return std::nullopt;
    if (reply.body.size() > config_.most_cached_bytes) return std::nullopt;
    return reply;
}

}  // namespace sluice::router
