// Coroutines that wait until a journal record is on disk. Each is resumed on its own event loop; all that one flush
// frees on a loop share one post, because waking a loop costs more than resuming a coroutine.
#pragma once

#include "core/async.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace sluice::policies {

class DurabilityWaiter {
public:
    DurabilityWaiter(std::uint64_t sequence, core::Executor executor)
        : sequence_(sequence), executor_(executor), work_(std::move(executor)) {}
    DurabilityWaiter(const DurabilityWaiter&) = delete;
    DurabilityWaiter& operator=(const DurabilityWaiter&) = delete;
    virtual ~DurabilityWaiter() = default;

    std::uint64_t sequence() const { return sequence_; }
    const core::Executor& executor() const { return executor_; }
    // On the executor's thread, once.
    virtual void resume(bool durable) = 0;

private:
    std::uint64_t sequence_;
    core::Executor executor_;
    core::net::executor_work_guard<core::Executor> work_;  // its loop does not run dry meanwhile
};

using DurabilityWaiters = std::vector<std::unique_ptr<DurabilityWaiter>>;

template <class Handler>
class HandlerWaiter final : public DurabilityWaiter {
public:
    HandlerWaiter(std::uint64_t sequence, core::Executor executor, Handler handler)
        : DurabilityWaiter(sequence, std::move(executor)), handler_(std::move(handler)) {}
    void resume(bool durable) override { std::move(handler_)(durable); }

private:
    Handler handler_;
};

// Moves the waiters up to and including `sequence` out of `waiting`.
DurabilityWaiters take_ready(DurabilityWaiters& waiting, std::uint64_t sequence);
// Posts them to their loops.
void wake(DurabilityWaiters ready, bool durable);

}  // namespace sluice::policies
