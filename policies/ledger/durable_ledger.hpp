// The ledger on one machine: budgets in memory, a checksummed journal in front, SQLite behind.
//
//   hold/settle -> Budget (one mutex) -> Journal (one write + fdatasync per batch) -> Applier (big SQLite transactions)
//
// DIRECTORY/ledger.db        the books: records with their hash chain, entries, postings, open holds, usage by day
// DIRECTORY/journal/*.seg    records on their way to SQLite; deleted once applied
// DIRECTORY/ledger.lock      one process owns the ledger
#pragma once

#include "policies/ledger/clock.hpp"
#include "policies/ledger/ledger.hpp"

#include <chrono>
#include <filesystem>
#include <memory>

namespace sluice::policies {

class JournalFiles;  // policies/ledger/journal_files.hpp: the disk, injectable for tests

enum class LedgerDurability { Strict, Relaxed };

struct DurableLedgerConfig {
    std::filesystem::path directory;  // made with mode 0700
    LedgerDurability durability = LedgerDurability::Strict;
    std::chrono::milliseconds relaxed_flush{4};     // longest a relaxed record waits before it is written and synced
    std::chrono::milliseconds apply_interval{100};  // how far SQLite lags behind the journal
    std::size_t segment_bytes = std::size_t{16} << 20U;
    std::size_t max_backlog_bytes = std::size_t{1} << 30U;  // journal not yet applied: above it holds are refused
    std::size_t recent_bytes = std::size_t{1} << 20U;       // decisions kept in memory though SQLite has them
    WallClock clock = system_wall_clock();
    std::shared_ptr<JournalFiles> files = nullptr;  // null: the real disk
};

class DurableLedger : public Ledger {
public:
    // Checks the database and the journal, applies what is pending, settles holds of a crashed process in full.
    // Corrupt: names the damaged file, offset and sequence. Unavailable: another process owns the directory.
    static core::Result<std::unique_ptr<DurableLedger>> open(DurableLedgerConfig config);

    // Writes and applies everything; later holds are refused. Also done by the destructor. Blocks; idempotent.
    virtual core::Result<void> shutdown() = 0;

    struct Stats {
        std::uint64_t appended = 0;  // sequence of the newest record
        std::uint64_t durable = 0;
        std::uint64_t applied = 0;
        std::uint64_t flushes = 0;          // fdatasync calls
        std::uint64_t recovered_holds = 0;  // settled at this start
        core::NanoUsd open_holds;
    };
    virtual Stats stats() const = 0;
};

}  // namespace sluice::policies
