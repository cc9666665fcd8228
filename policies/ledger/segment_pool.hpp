// The segment files of a journal: opens the next one, keeps the list, turns applied ones into spares. A spare costs a
// rename instead of writing out a segment of zeros. Thread-safe: the writer opens, the applier retires and prepares.
#pragma once

#include "core/result.hpp"
#include "policies/ledger/journal_files.hpp"

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

namespace sluice::policies {

struct Segment {
    std::filesystem::path path;
    std::uint64_t first_sequence = 0;
    std::uint64_t bytes = 0;
};

class SegmentPool {
public:
    SegmentPool(std::filesystem::path directory, std::shared_ptr<JournalFiles> files, std::uint64_t segment_bytes)
        : directory_(std::move(directory)), files_(std::move(files)), segment_bytes_(segment_bytes) {}

    // A segment with a header on disk, for at least `batch_bytes` of records.
    core::Result<std::unique_ptr<JournalFile>> open_next(std::uint64_t first_sequence, std::uint64_t batch_bytes);
    // Makes a spare when there is none, so that open_next() need not wait for it. Failing is not an error: it is tried
    // again.
    void prepare_spare();
    // Is there a segment whose records are all <= `applied`?
    bool may_retire(std::uint64_t applied) const;
    // Such segments become spares or go.
    void retire(std::uint64_t applied);

    std::vector<Segment> segments() const;
    std::uint64_t bytes_in_use() const {
        return bytes_in_use_.load(std::memory_order_relaxed);
    }                                        // by segments that are not applied
    std::uint64_t current_capacity() const;  // bytes of the newest segment

    static bool is_segment(const std::filesystem::path& path) { return path.extension() == ".seg"; }
    static bool is_spare(const std::filesystem::path& path) { return path.extension() == ".spare"; }

private:
    bool first_is_over(std::uint64_t applied) const;  // with the mutex held
    std::filesystem::path new_spare_path();
    core::Result<std::filesystem::path> take_spare(std::uint64_t bytes);

    const std::filesystem::path directory_;
    const std::shared_ptr<JournalFiles> files_;
    const std::uint64_t segment_bytes_;
    mutable std::mutex mutex_;
    std::vector<Segment> segments_;
    std::vector<std::filesystem::path> spares_;
    std::uint64_t spare_number_ = 0;
    std::atomic<std::uint64_t> bytes_in_use_{0};
};

}  // namespace sluice::policies
