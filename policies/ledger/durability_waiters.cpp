#include "policies/ledger/durability_waiters.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace sluice::policies {

namespace {

// Resumes its waiters one by one. If one throws (an exception that leaves a detached coroutine), the rest are posted
// again before it goes on to the loop's run().
class ResumeAll {
public:
    ResumeAll(DurabilityWaiters waiters, bool durable) : waiters_(std::move(waiters)), durable_(durable) {}
    ResumeAll(ResumeAll&&) = default;
    ResumeAll(const ResumeAll&) = delete;
    ResumeAll& operator=(ResumeAll&&) = delete;
    ~ResumeAll() = default;

    void operator()() {
        while (next_ < waiters_.size()) {
            const auto waiter = std::move(waiters_[next_++]);
            try {
                waiter->resume(durable_);
            } catch (...) {
                waiters_.erase(waiters_.begin(), waiters_.begin() + static_cast<std::ptrdiff_t>(next_));
                wake(std::move(waiters_), durable_);
                throw;
            }
        }
    }

private:
    DurabilityWaiters waiters_;
    std::size_t next_ = 0;
    bool durable_;
};

}  // namespace

DurabilityWaiters take_ready(DurabilityWaiters& waiting, std::uint64_t sequence) {
    const auto later = std::ranges::stable_partition(
        waiting, [sequence](const auto& waiter) { return waiter->sequence() > sequence; });
    DurabilityWaiters ready{std::make_move_iterator(later.begin()), std::make_move_iterator(later.end())};
    waiting.erase(later.begin(), later.end());
    return ready;
}

void wake(DurabilityWaiters ready, bool durable) {
    while (!ready.empty()) {
        const core::Executor executor = ready.front()->executor();
        const auto others = std::ranges::stable_partition(
            ready, [&executor](const auto& waiter) { return waiter->executor() != executor; });
        DurabilityWaiters mine{std::make_move_iterator(others.begin()), std::make_move_iterator(others.end())};
        ready.erase(others.begin(), others.end());
        core::net::post(executor, ResumeAll{std::move(mine), durable});
    }
}

}  // namespace sluice::policies
