#include "policies/ledger/journal_recovery.hpp"

#include "policies/ledger/acknowledged_mark.hpp"
#include "policies/ledger/segment_pool.hpp"
#include "policies/ledger/segment_reader.hpp"

#include <algorithm>
#include <optional>
#include <system_error>

namespace sluice::policies {

namespace {

using core::Errc;
using core::Error;
using core::Result;

std::vector<std::filesystem::path> find_segments(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator{directory})
        if (SegmentPool::is_segment(entry.path())) found.push_back(entry.path());
    std::ranges::sort(found);  // names are the first sequence with leading zeros
    return found;
}

Error damaged(const SegmentReader& reader, std::uint64_t sequence) {
    return Error{Errc::Corrupt, "journal segment " + reader.path().string() + ", offset " +
                                    std::to_string(reader.offset()) + ": record " + std::to_string(sequence) +
                                    " is damaged or missing, although it was acknowledged"};
}

// Walks one segment; `expected` ends as the sequence that should follow.
Result<void> walk(SegmentReader& reader, std::uint64_t& expected) {
    for (;;) {
        const auto record = reader.next(expected);
        if (!record) return record.error();
        if (!*record) return {};
        ++expected;
    }
}

// The last segment ends at `expected`. Whatever follows may go only if nobody was told that it is safe.
Result<bool> repair_tail(SegmentReader& reader, std::uint64_t expected, std::uint64_t acknowledged) {
    if (expected <= acknowledged) return damaged(reader, expected);
    const auto proof = reader.was_acknowledged(expected);
    if (!proof) return proof.error();
    if (*proof) return damaged(reader, expected);
    const auto remains = reader.has_remains(expected);
    if (!remains || !*remains) return remains;
    std::error_code failed;
    std::filesystem::resize_file(reader.path(), reader.offset(), failed);
    if (failed) return Error{Errc::Unavailable, reader.path().string() + ": " + failed.message()};
    return true;
}

}  // namespace

Result<RecoveredJournal> recover_journal(const std::filesystem::path& directory, std::uint64_t applied) {
    RecoveredJournal journal{.segments = find_segments(directory), .last_sequence = applied};
    const auto mark_path = directory / "acknowledged";
    if (!journal.segments.empty() && !std::filesystem::exists(mark_path))
        return Error{Errc::Corrupt, mark_path.string() + " is missing beside journal segments"};
    const auto mark = AcknowledgedMark::open(mark_path);
    if (!mark) return mark.error();
    const auto acknowledged = std::max(mark->sequence(), applied);

    std::optional<SegmentReader> reader;
    std::uint64_t expected = applied + 1;
    for (const auto& path : journal.segments) {
        auto next = SegmentReader::open(path);
        if (!next) return next.error();
        // The first one may begin with records that are applied already; each later one continues where the last ended.
        const bool gap = reader ? next->first_sequence() != expected : next->first_sequence() > expected;
        if (gap) return damaged(reader ? *reader : *next, expected);
        expected = next->first_sequence();
        reader.emplace(std::move(*next));
        if (const auto walked = walk(*reader, expected); !walked) return walked.error();
    }
    if (reader) {
        const auto torn = repair_tail(*reader, expected, acknowledged);
        if (!torn) return torn.error();
        journal.torn_tail = *torn;
        journal.last_sequence = std::max(expected - 1, applied);
    }
    if (journal.last_sequence < acknowledged)
        return Error{Errc::Corrupt, "journal " + directory.string() + ": record " +
                                        std::to_string(journal.last_sequence + 1) + " was acknowledged and is missing"};
    return journal;
}

Result<void> remove_journal_files(const std::filesystem::path& directory) {
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator{directory}) {
        if (!SegmentPool::is_segment(entry.path()) && !SegmentPool::is_spare(entry.path())) continue;
        std::filesystem::remove(entry.path(), failed);
        if (failed) return Error{Errc::Unavailable, entry.path().string() + ": " + failed.message()};
    }
    return {};
}

}  // namespace sluice::policies
