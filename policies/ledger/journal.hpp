// The checksummed append-only journal: append() puts a record into the current batch, one thread writes batches and
// syncs them (group commit). While one batch is on its way to the disk the next one gathers.
//
// A failed write or sync ends the journal: what was not acknowledged stays unacknowledged, nothing is tried again.
#pragma once

#include "core/async.hpp"
#include "core/result.hpp"
#include "policies/ledger/acknowledged_mark.hpp"
#include "policies/ledger/durability_waiters.hpp"
#include "policies/ledger/journal_format.hpp"
#include "policies/ledger/segment_pool.hpp"
#include "policies/ledger/sync_pace.hpp"

#include <boost/asio/associated_executor.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace sluice::policies {

struct JournalConfig {
    std::filesystem::path directory;
    std::uint64_t segment_bytes = std::uint64_t{16} << 20U;
    std::chrono::milliseconds linger{0};  // how long a batch gathers before it is written; waiters cut it short
    std::shared_ptr<JournalFiles> files;
};

class Journal {
public:
    // Starts a new segment whose first record will be `next_sequence`.
    static core::Result<std::unique_ptr<Journal>> start(JournalConfig config, std::uint64_t next_sequence);
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    ~Journal();  // closes

    // The record's sequence; 0 when the journal has failed or is closed. Any thread; does no I/O.
    std::uint64_t append(RecordType type, std::int64_t unix_nanoseconds, std::string_view payload);
    // True once the record is on disk, false when it will never be. Resumes on the caller's event loop.
    core::awaitable<bool> durable(std::uint64_t sequence);

    std::uint64_t appended() const { return appended_.load(std::memory_order_relaxed); }
    std::uint64_t durable_sequence() const { return durable_.load(std::memory_order_acquire); }
    std::uint64_t flushes() const { return flushes_.load(std::memory_order_relaxed); }
    bool writable() const { return state_.load(std::memory_order_acquire) == State::Open; }
    core::Error failure() const;  // why append() gives 0
    // Ends the journal from outside: the books behind it cannot follow.
    void fail(core::Error reason);
    // Writes what is pending and stops the thread. Idempotent.
    void close();

    SegmentPool& segments() { return segments_; }

private:
    enum class State { Open, Closing, Failed };

    Journal(JournalConfig config, AcknowledgedMark mark, std::uint64_t next_sequence);
    void add_waiter(std::unique_ptr<DurabilityWaiter> waiter);
    void run();
    bool gather(std::unique_lock<std::mutex>& lock);
    core::Result<void> write_batch();

    const JournalConfig config_;
    SegmentPool segments_;

    mutable std::mutex mutex_;
    std::condition_variable more_;
    std::string pending_;  // records without checksum
    std::uint64_t next_sequence_;
    bool writer_idle_ = false;
    DurabilityWaiters waiters_;
    std::optional<core::Error> failure_;

    std::atomic<State> state_{State::Open};
    std::atomic<std::uint64_t> appended_;
    std::atomic<std::uint64_t> durable_;
    std::atomic<std::uint64_t> flushes_{0};

    // The writer's own.
    AcknowledgedMark mark_;
    std::string batch_;
    std::uint64_t batch_first_ = 0;
    std::unique_ptr<JournalFile> file_;
    std::uint64_t file_offset_ = 0;
    std::uint64_t file_capacity_ = 0;
    SyncPace pace_;
    std::chrono::steady_clock::time_point sync_began_;
    std::thread writer_;
};

}  // namespace sluice::policies
