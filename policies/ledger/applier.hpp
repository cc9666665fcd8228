// Moves durable journal records into the books, in large transactions, on a thread of low priority. It reads the
// journal's files: a burst needs no memory, and a restart goes the same way.
#pragma once

#include "policies/ledger/books.hpp"
#include "policies/ledger/journal.hpp"
#include "policies/ledger/segment_reader.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace sluice::policies {

// Applies the records (books.applied(), last] found in `segments`, in transactions of limited size.
class JournalApplication {
public:
    // Gentle: rests after every few records. A scheduler lets a thread run for milliseconds before another one that woke
    // up gets its turn, whatever their priorities; an event loop should not wait that long.
    using Pace = Books::Pace;

    explicit JournalApplication(Books& books) : books_(books) {}
    // Unavailable or Corrupt; then nothing more may be applied. Returns after one transaction.
    core::Result<void> apply_some(const std::vector<std::filesystem::path>& segments, std::uint64_t last, Pace pace = Pace::Full);

private:
    core::Result<Record> next(const std::vector<std::filesystem::path>& segments, std::uint64_t sequence);
    Books& books_;
    std::optional<SegmentReader> reader_;
};

class Applier {
public:
    struct Parts {
        Books& books;
        Journal& journal;
        std::function<void(std::uint64_t applied)> applied;  // on the applier's thread
    };
    Applier(Parts parts, std::chrono::milliseconds interval);
    Applier(const Applier&) = delete;
    Applier& operator=(const Applier&) = delete;
    ~Applier();  // stops without applying the rest

    // Applies everything durable and stops. Idempotent.
    core::Result<void> finish();
    std::uint64_t applied() const { return applied_.load(std::memory_order_acquire); }

private:
    void run();
    core::Result<void> apply_durable(Books::Pace wanted);
    core::Result<void> retire_applied(Books::Pace pace);

    Parts parts_;
    const std::chrono::milliseconds interval_;
    JournalApplication application_;
    std::atomic<std::uint64_t> applied_;
    std::mutex mutex_;
    std::condition_variable stop_changed_;
    bool stop_ = false;
    std::optional<core::Error> failure_;  // the applier's thread, then finish()
    std::thread thread_;
};

}  // namespace sluice::policies
