#include "policies/ledger/journal.hpp"

#include <boost/asio/async_result.hpp>

#include <utility>

namespace sluice::policies {

namespace {

using core::Errc;
using core::Error;
using core::Result;

constexpr std::size_t kLingerBytes = std::size_t{1} << 20U;  // a batch this big is written at once

}  // namespace

Result<std::unique_ptr<Journal>> Journal::start(JournalConfig config, std::uint64_t next_sequence) {
    auto mark = AcknowledgedMark::open(config.directory / "acknowledged");
    if (!mark) return mark.error();
    std::unique_ptr<Journal> journal{new Journal{std::move(config), std::move(*mark), next_sequence}};
    auto file = journal->segments_.open_next(next_sequence, 0);
    if (!file) return file.error();
    journal->file_ = std::move(*file);
    journal->file_offset_ = kSegmentHeaderBytes;
    journal->file_capacity_ = journal->segments_.current_capacity();
    Journal& self = *journal;
    journal->writer_ = std::thread{[&self] { self.run(); }};
    return journal;
}

Journal::Journal(JournalConfig config, AcknowledgedMark mark, std::uint64_t next_sequence)
    : config_(std::move(config)),
      segments_(config_.directory, config_.files, config_.segment_bytes),
      next_sequence_(next_sequence),
      appended_(next_sequence - 1),
      durable_(next_sequence - 1),
      mark_(std::move(mark)) {}

Journal::~Journal() {
    close();
}

std::uint64_t Journal::append(RecordType type, std::int64_t unix_nanoseconds, std::string_view payload) {
    if (payload.size() > kMaxPayloadBytes) return 0;
    bool idle = false;
    std::uint64_t sequence = 0;
    {
        const std::lock_guard lock{mutex_};
        if (state_.load(std::memory_order_relaxed) != State::Open) return 0;
        append_record(pending_, type, next_sequence_, unix_nanoseconds, payload);
        sequence = next_sequence_++;
        appended_.store(sequence, std::memory_order_relaxed);
        idle = std::exchange(writer_idle_, false);
    }
    if (idle) more_.notify_one();
    return sequence;
}

core::awaitable<bool> Journal::durable(std::uint64_t sequence) {
    if (sequence == 0) co_return false;
    if (durable_.load(std::memory_order_acquire) >= sequence) co_return true;
    auto wait = [this, sequence](auto handler) {
        auto executor = core::net::get_associated_executor(handler);
        using Handler = std::decay_t<decltype(handler)>;
        add_waiter(std::make_unique<HandlerWaiter<Handler>>(sequence, executor, std::move(handler)));
    };
    const bool result =
        co_await core::net::async_initiate<const core::net::use_awaitable_t<core::Executor>, void(bool)>(
            wait, core::use_awaitable);
    co_return result;
}

void Journal::add_waiter(std::unique_ptr<DurabilityWaiter> waiter) {
    DurabilityWaiters over;  // decided already
    bool durable = false;
    bool lingering = false;
    {
        const std::lock_guard lock{mutex_};
        durable = durable_.load(std::memory_order_relaxed) >= waiter->sequence();
        if (durable || failure_) over.push_back(std::move(waiter));
        else waiters_.push_back(std::move(waiter));
        lingering = over.empty() && config_.linger.count() > 0 && waiters_.size() == 1;
    }
    wake(std::move(over), durable);
    if (lingering) more_.notify_one();
}

Error Journal::failure() const {
    const std::lock_guard lock{mutex_};
    if (failure_) return *failure_;
    return Error{Errc::Unavailable, "ledger not writable: it is shutting down"};
}

void Journal::fail(Error reason) {
    DurabilityWaiters lost;
    {
        const std::lock_guard lock{mutex_};
        if (failure_) return;
        reason.detail = "ledger not writable: " + reason.detail;
        reason.code = Errc::Unavailable;
        failure_ = std::move(reason);
        state_.store(State::Failed, std::memory_order_release);
        lost = std::move(waiters_);
        waiters_.clear();
    }
    more_.notify_one();
    wake(std::move(lost), false);
}

void Journal::close() {
    {
        const std::lock_guard lock{mutex_};
        if (state_.load(std::memory_order_relaxed) == State::Open)
            state_.store(State::Closing, std::memory_order_release);
    }
    more_.notify_one();
    if (writer_.joinable()) writer_.join();
}

void Journal::run() {
    for (;;) {
        std::uint64_t last = 0;
        {
            std::unique_lock lock{mutex_};
            if (!gather(lock)) return;
            batch_.clear();
            std::swap(batch_, pending_);
            batch_first_ = durable_.load(std::memory_order_relaxed) + 1;
            last = next_sequence_ - 1;
        }
        if (auto written = write_batch(); !written) return fail(written.error());
        mark_.advance(last);
        DurabilityWaiters ready;
        {
            const std::lock_guard lock{mutex_};
            if (failure_) return;
            durable_.store(last, std::memory_order_release);
            ready = take_ready(waiters_, last);
        }
        flushes_.fetch_add(1, std::memory_order_relaxed);
        wake(std::move(ready), true);
    }
}

// Waits until there is a batch worth writing; false when the thread shall end.
bool Journal::gather(std::unique_lock<std::mutex>& lock) {
    const auto stopping = [this] { return state_.load(std::memory_order_relaxed) != State::Open; };
    while (pending_.empty() && !stopping()) {
        writer_idle_ = true;
        more_.wait(lock);
    }
    writer_idle_ = false;
    if (failure_) return false;
    if (pending_.empty()) return false;
    if (config_.linger.count() > 0 && waiters_.empty() && pending_.size() < kLingerBytes)
        more_.wait_for(lock, config_.linger, [&] { return stopping() || !waiters_.empty(); });
    if (const auto apart = pace_.interval(); apart.count() > 0) more_.wait_until(lock, sync_began_ + apart, stopping);
    return !failure_;
}

Result<void> Journal::write_batch() {
    seal(batch_, batch_first_ - 1);
    if (file_offset_ + batch_.size() > file_capacity_) {
        auto next = segments_.open_next(batch_first_, batch_.size());
        if (!next) return next.error();
        file_ = std::move(*next);
        file_offset_ = kSegmentHeaderBytes;
        file_capacity_ = segments_.current_capacity();
    }
    auto failed = file_->write(file_offset_, batch_);
    sync_began_ = std::chrono::steady_clock::now();
    if (!failed) failed = file_->sync();
    pace_.note(std::chrono::steady_clock::now() - sync_began_);
    if (failed) return Error{Errc::Unavailable, "journal: " + failed.message()};
    file_offset_ += batch_.size();
    return {};
}

}  // namespace sluice::policies
