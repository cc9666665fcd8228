#include "router/attempt_cost.hpp"

namespace sluice::router {

AttemptCost attempt_cost(const core::ServeOutcome& outcome, const core::ChatRequest& request, const policies::ModelEntry& entry,
                         core::NanoUsd worst_case) {
    if (outcome.usage_known) return {policies::charge(entry, outcome.usage), outcome.usage};
    const bool gave_up = !outcome.result && (outcome.result.error().code == core::Errc::Cancelled ||
                                             outcome.result.error().code == core::Errc::Timeout);
    // An error status, or a connection that broke before any answer: nothing was produced, nothing is billed.
    if (!outcome.reached || (!outcome.answered && !gave_up)) return {};
    // A byte of text is at most one token, so bytes bound the tokens of what was seen.
    const core::Usage bound{.prompt = request.prompt_tokens_bound(),
                            .completion = static_cast<core::Tokens>(outcome.answer_bytes),
                            .estimated = true};
    // A plain answer is produced whole before it is sent: if we did not see its end, the provider may bill all of it.
    const bool unseen = !outcome.result && !request.stream();
    return {unseen ? worst_case : policies::charge(entry, bound), bound};
}

}  // namespace sluice::router
