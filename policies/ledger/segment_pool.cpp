#include "policies/ledger/segment_pool.hpp"

#include "policies/ledger/journal_format.hpp"

#include <algorithm>
#include <cstdio>

namespace sluice::policies {

namespace {

using core::Result;

constexpr std::size_t kMostSpares = 2;

std::string segment_name(std::uint64_t first_sequence) {
    char name[40];
    std::snprintf(name, sizeof name, "%020llu.seg", static_cast<unsigned long long>(first_sequence));
    return name;
}

core::Error unavailable(const std::filesystem::path& path, std::error_code reason) {
    return core::Error{core::Errc::Unavailable, path.string() + ": " + reason.message()};
}

}  // namespace

// The header is on disk before the file gets its name: a file named .seg is always a segment.
Result<std::unique_ptr<JournalFile>> SegmentPool::open_next(std::uint64_t first_sequence, std::uint64_t batch_bytes) {
    const auto bytes = std::max(segment_bytes_, kSegmentHeaderBytes + batch_bytes);
    const auto spare = take_spare(bytes);
    if (!spare) return spare.error();
    const auto path = directory_ / segment_name(first_sequence);
    auto file = files_->open(*spare);
    if (!file) return file.error();
    auto failed = (*file)->write(0, segment_header(first_sequence));
    if (!failed) failed = (*file)->sync();
    if (!failed) failed = files_->rename(*spare, path);
    if (!failed) failed = files_->sync_directory(directory_);
    if (failed) return unavailable(path, failed);
    const std::lock_guard lock{mutex_};
    bytes_in_use_ += bytes;
    segments_.push_back({.path = path, .first_sequence = first_sequence, .bytes = bytes});
    return file;
}

Result<std::filesystem::path> SegmentPool::take_spare(std::uint64_t bytes) {
    {
        const std::lock_guard lock{mutex_};
        if (bytes == segment_bytes_ && !spares_.empty()) {
            auto spare = std::move(spares_.back());
            spares_.pop_back();
            return spare;
        }
    }
    auto path = new_spare_path();
    if (const auto made = files_->create(path, bytes); !made) {
        static_cast<void>(files_->remove(path));
        return made.error();
    }
    return path;
}

std::filesystem::path SegmentPool::new_spare_path() {
    const std::lock_guard lock{mutex_};
    return directory_ / (std::to_string(spare_number_++) + ".spare");
}

void SegmentPool::prepare_spare() {
    {
        const std::lock_guard lock{mutex_};
        if (!spares_.empty()) return;
    }
    auto path = new_spare_path();
    if (files_->create(path, segment_bytes_)) {
        const std::lock_guard lock{mutex_};
        spares_.push_back(std::move(path));
    } else {
        static_cast<void>(files_->remove(path));
    }
}

bool SegmentPool::may_retire(std::uint64_t applied) const {
    const std::lock_guard lock{mutex_};
    return first_is_over(applied);
}

// A segment ends where the next one begins; the newest is still written to.
bool SegmentPool::first_is_over(std::uint64_t applied) const {
    return segments_.size() > 1 && segments_[1].first_sequence <= applied + 1;
}

void SegmentPool::retire(std::uint64_t applied) {
    std::vector<Segment> done;
    std::size_t spares = 0;
    {
        const std::lock_guard lock{mutex_};
        while (first_is_over(applied)) {
            done.push_back(std::move(segments_.front()));
            segments_.erase(segments_.begin());
        }
        spares = spares_.size();
    }
    // Without the lock: removing a large file takes milliseconds. A file that cannot be removed is found by the next
    // start.
    for (const Segment& segment : done) {
        bytes_in_use_ -= segment.bytes;
        auto spare = new_spare_path();
        const bool keep = spares < kMostSpares && segment.bytes == segment_bytes_;
        if (keep && !files_->rename(segment.path, spare)) {
            const std::lock_guard lock{mutex_};
            spares_.push_back(std::move(spare));
            ++spares;
        } else {
            static_cast<void>(files_->remove(segment.path));
        }
    }
}

std::vector<Segment> SegmentPool::segments() const {
    const std::lock_guard lock{mutex_};
    return segments_;
}

std::uint64_t SegmentPool::current_capacity() const {
    const std::lock_guard lock{mutex_};
    return segments_.empty() ? 0 : segments_.back().bytes;
}

}  // namespace sluice::policies
