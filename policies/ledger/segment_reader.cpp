#include "policies/ledger/segment_reader.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

namespace sluice::policies {

namespace {

using core::Errc;
using core::Error;
using core::Result;

constexpr std::size_t kReadAhead = std::size_t{256} << 10U;

Error unreadable(const std::filesystem::path& path) {
    return Error{Errc::Unavailable, path.string() + ": " + std::error_code{errno, std::generic_category()}.message()};
}

}  // namespace

SegmentReader::File::~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<SegmentReader> SegmentReader::open(const std::filesystem::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return unreadable(path);
    SegmentReader reader{path, descriptor};
    const auto header = reader.view(0, kSegmentHeaderBytes);
    if (!header) return header.error();
    const auto first = parse_segment_header(*header);
    if (!first) return Error{Errc::Corrupt, "journal segment " + path.string() + ": the header is damaged"};
    reader.first_sequence_ = *first;
    reader.offset_ = kSegmentHeaderBytes;
    return reader;
}

Result<std::string_view> SegmentReader::view(std::uint64_t at, std::size_t bytes) {
    const bool held = at >= buffer_start_ && at + bytes <= buffer_start_ + held_;
    if (!held) {
        if (buffer_.size() < std::max(bytes, kReadAhead)) buffer_.resize(std::max(bytes, kReadAhead));
        buffer_start_ = at;
        held_ = 0;
        while (held_ < buffer_.size()) {
            const auto got = ::pread(file_.get(), buffer_.data() + held_, buffer_.size() - held_, static_cast<off_t>(at + held_));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return unreadable(path_);
            if (got == 0) break;
            held_ += static_cast<std::size_t>(got);
        }
    }
    return std::string_view{buffer_.data(), held_}.substr(static_cast<std::size_t>(at - buffer_start_), bytes);
}

Result<std::optional<Record>> SegmentReader::next(std::uint64_t sequence) {
    // What was read ahead may be older than what the writer has put there since: look again before giving up.
    for (int attempt = 0; attempt < 2; ++attempt) {
        const auto header = view(offset_, kRecordHeaderBytes);
        if (!header) return header.error();
        const auto whole = view(offset_, claimed_bytes(*header));
        if (!whole) return whole.error();
        const auto record = parse_record(*whole);
        if (record && record->sequence == sequence) {
            offset_ += framed_bytes(record->payload.size());
            return record;
        }
        held_ = 0;
    }
    return std::optional<Record>{};
}

Result<bool> SegmentReader::was_acknowledged(std::uint64_t sequence) {
    for (std::uint64_t at = offset_;;) {
        const auto header = view(at, kRecordHeaderBytes);
        if (!header) return header.error();
        if (header->size() < kRecordHeaderBytes) return false;
        std::size_t step = 8;
        if (const auto claimed = claimed_bytes(*header); claimed != 0) {
            const auto whole = view(at, claimed);
            if (!whole) return whole.error();
            if (const auto record = parse_record(*whole)) {
                if (record->sequence > sequence && record->acknowledged >= sequence) return true;
                step = claimed;
            }
        }
        at += step;
    }
}

Result<bool> SegmentReader::has_remains(std::uint64_t sequence) {
    const auto header = view(offset_, kRecordHeaderBytes);
    if (!header) return header.error();
    if (std::ranges::all_of(*header, [](char byte) { return byte == '\0'; })) return false;
    const auto whole = view(offset_, claimed_bytes(*header));
    if (!whole) return whole.error();
    const auto record = parse_record(*whole);
    return !record || record->sequence >= sequence;
}

}  // namespace sluice::policies
