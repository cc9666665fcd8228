// Bytes of a journal segment. All integers little-endian, all records 8-aligned.
//
//   segment  header (64 bytes), records, then zeros or records of an earlier life of the file (their sequences are
//   lower) header   "SLUICEJ1"  u32 crc32c of the rest  u32 version  u64 first sequence  40 zero bytes record   u32
//   "SLJR"  u32 crc32c of the rest  u32 payload bytes  u32 type  u64 sequence  i64 unix nanoseconds
//            u64 acknowledged  payload  zeros to a multiple of 8
//
// `acknowledged` is the newest sequence that was on disk when the record was written: a valid record with
// acknowledged >= n proves that record n had been promised to somebody, so its damage is not a torn write.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::policies {

enum class RecordType : std::uint8_t { Hold = 1, Extend = 2, Settle = 3, Decision = 4 };

inline constexpr std::size_t kSegmentHeaderBytes = 64;
inline constexpr std::size_t kRecordHeaderBytes = 40;
inline constexpr std::size_t kMaxPayloadBytes = std::size_t{16} << 20U;

struct Record {
    RecordType type = RecordType::Decision;
    std::uint64_t sequence = 0;
    std::int64_t time = 0;
    std::uint64_t acknowledged = 0;
    std::string_view payload;  // into the bytes it was parsed from
};

constexpr std::size_t framed_bytes(std::size_t payload_bytes) {
    return (kRecordHeaderBytes + payload_bytes + 7) / 8 * 8;
}

std::string segment_header(std::uint64_t first_sequence);
std::optional<std::uint64_t> parse_segment_header(std::string_view bytes);  // first sequence; nullopt: damaged

// Adds a record that has no checksum yet; seal() gives every record of a batch its `acknowledged` and checksum.
void append_record(std::string& batch, RecordType type, std::uint64_t sequence, std::int64_t time,
                   std::string_view payload);
void seal(std::string& batch, std::uint64_t acknowledged);

// Bytes that the record at the start of `bytes` claims to need (header alone if fewer are given); 0: no record starts
// here.
std::size_t claimed_bytes(std::string_view bytes);
// The record at the start of `bytes`, if it is whole and sound.
std::optional<Record> parse_record(std::string_view bytes);

}  // namespace sluice::policies
