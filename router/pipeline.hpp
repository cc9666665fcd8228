// The life of a request, step by step; start reading here. docs/life_of_a_request.md tells the same story in words.
// One pipeline per event loop: it uses that loop's backends. Everything else it refers to is shared and thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cache/response_cache.hpp"
#include "core/caller.hpp"
#include "core/deadline.hpp"
#include "policies/ledger/ledger.hpp"
#include "policies/policy_set.hpp"
#include "router/conversations.hpp"
#include "router/decision.hpp"
#include "router/planner.hpp"
#include "router/recording_sink.hpp"

namespace sluice::router {

struct PipelineConfig {
    int most_attempts = 3;                                    // over all steps of a plan
    std::chrono::milliseconds first_backoff{100};             // doubled per attempt, with jitter
    std::chrono::seconds longest_retry_after{2};              // a provider that asks for more is not waited for
    std::size_t most_cached_bytes = 1U << 20U;                // answers longer than this are not kept
    cache::CachePolicy cache_policy;
};

// One request as the gateway hands it over.
struct Incoming {
    std::shared_ptr<const core::ChatRequest> request;
    std::shared_ptr<const core::Caller> caller;
    std::optional<core::DataClass> declared;  // x-sluice-data-class: can only raise
    core::Deadline deadline;
    std::string request_id;
};

class Pipeline {
public:
    struct Parts {
        const policies::PolicyInForce& policies;  // each request keeps what is in force when it begins
        const Targets& targets;
        const policies::Catalogue& catalogue;
        policies::Ledger& ledger;
        cache::ResponseCache* cache;  // null: off
        const cache::KeyMaker* cache_keys;  // null: off
        BackendHealth& health;
        Conversations* conversations = nullptr;      // null: no memory, and nothing is redacted
        std::function<void(const Decision&)> observe;  // metrics and the summary line; called once per request
    };

    Pipeline(Parts parts, PipelineConfig config)
        : parts_(std::move(parts)), config_(std::move(config)), planner_(parts_.targets, parts_.catalogue, parts_.health) {}

    // Serves one request. On error nothing more is sent to the client here: the gateway answers with the error when the
    // reply has not started; when it has, the stream was already ended with an in-band error.
    core::awaitable<core::Result<void>> run(Incoming incoming, ClientReply& reply);

    // What run() would do, without sending, holding or storing anything: POST /v1/route.
    core::awaitable<Decision> explain(Incoming incoming);

private:
    struct Work;  // what the steps of one request share

    Decision begin_decision(const Incoming& incoming, const policies::PolicySet& rules) const;
    bool recall_at_once(Work& work) const;
    core::awaitable<void> recall(Work& work) const;
    core::Result<void> judge(Work& work) const;
    void redact(Work& work) const;
    bool may_be_cached(Work& work) const;
    core::awaitable<core::Result<void>> replay(Work& work, const cache::CachedReply& kept, ClientReply& reply);
    core::awaitable<core::Result<void>> serve(Work& work, policies::Hold& hold, RecordingSink& recorded, ClientReply& reply);
    core::awaitable<core::ServeOutcome> attempt(Work& work, const Step& step, const core::ServeOptions& options, RecordingSink& recorded);
    core::awaitable<core::ServeOutcome> attempt_rewritten(Work& work, const CloudStep& cloud, const core::ServeOptions& options, RecordingSink& recorded);
    core::awaitable<core::Result<void>> wait_before_retry(const core::Error& error, int attempts, const core::Deadline& deadline);
    std::optional<cache::CachedReply> worth_keeping(const Work& work, RecordingSink& recorded) const;
    core::awaitable<core::Result<void>> give_up(Work& work, core::Error error);
    void finish(Work& work, Outcome outcome, const core::Result<void>& result) const;

    Parts parts_;
    PipelineConfig config_;
    Planner planner_;
};

}  // namespace sluice::router
