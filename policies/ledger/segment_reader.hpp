// Reads the records of one segment in order, through a buffer. Used at start, and by the applier while the writer is
// still appending to the same file: it asks only for records that are known to be on disk.
#pragma once

#include "core/result.hpp"
#include "policies/ledger/journal_format.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace sluice::policies {

class SegmentReader {
public:
    // Corrupt: the header is damaged.
    static core::Result<SegmentReader> open(const std::filesystem::path& path);
    SegmentReader(SegmentReader&&) noexcept = default;
    SegmentReader& operator=(SegmentReader&&) noexcept = default;
    ~SegmentReader() = default;

    std::uint64_t first_sequence() const { return first_sequence_; }
    std::uint64_t offset() const { return offset_; }  // of the record that next() looks at
    const std::filesystem::path& path() const { return path_; }

    // The record `sequence` at offset(), and steps over it; nullopt: it is not there, or damaged. The payload is valid
    // until the next call.
    core::Result<std::optional<Record>> next(std::uint64_t sequence);
    // Searches from offset() on for a sound record with a higher sequence that proves `sequence` was acknowledged.
    core::Result<bool> was_acknowledged(std::uint64_t sequence);
    // Anything but zeros and records older than `sequence` at offset(): the remains of a torn write.
    core::Result<bool> has_remains(std::uint64_t sequence);

private:
    class File {
    public:
        explicit File(int descriptor) : descriptor_(descriptor) {}
        File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
        File& operator=(File&& other) noexcept {
            std::swap(descriptor_, other.descriptor_);
            return *this;
        }
        ~File();
        int get() const { return descriptor_; }

    private:
        int descriptor_;
    };

    SegmentReader(std::filesystem::path path, int descriptor) : path_(std::move(path)), file_(descriptor) {}
    // Up to `bytes` from `at`, fewer at the end of the file.
    core::Result<std::string_view> view(std::uint64_t at, std::size_t bytes);

    std::filesystem::path path_;
    File file_;
    std::uint64_t first_sequence_ = 0;
    std::uint64_t offset_ = 0;
    std::string buffer_;  // its first held_ bytes are the file's from buffer_start_ on
    std::size_t held_ = 0;
    std::uint64_t buffer_start_ = 0;
};

}  // namespace sluice::policies
