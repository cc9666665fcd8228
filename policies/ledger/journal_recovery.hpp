// What a journal directory holds when a process starts, checked record by record before anything is served.
#pragma once

#include "core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace sluice::policies {

struct RecoveredJournal {
    std::vector<std::filesystem::path> segments;  // in order
    std::uint64_t last_sequence = 0;              // newest sound record, at least `applied`
    bool torn_tail = false;                       // an unacknowledged end was cut off
};

// `applied`: newest sequence that SQLite has. Corrupt: a record that was acknowledged is damaged or missing; the detail
// names segment, offset and sequence, and nothing has been changed.
core::Result<RecoveredJournal> recover_journal(const std::filesystem::path& directory, std::uint64_t applied);

// After everything is applied: the files go, so that the next journal starts clean.
core::Result<void> remove_journal_files(const std::filesystem::path& directory);

}  // namespace sluice::policies
