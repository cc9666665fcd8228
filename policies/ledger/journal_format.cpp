#include "policies/ledger/journal_format.hpp"

#include "policies/ledger/bytes.hpp"
#include "policies/ledger/crc32c.hpp"

namespace sluice::policies {

namespace {

constexpr std::string_view kSegmentMagic = "SLUICEJ1";
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kRecordMagic = 0x524a4c53;  // "SLJR"
constexpr std::size_t kChecksumEnd = 8;             // checksums cover what follows them

}  // namespace

std::string segment_header(std::uint64_t first_sequence) {
    std::string header{kSegmentMagic};
    ByteWriter writer{header};
    writer.u32(0);
    writer.u32(kVersion);
    writer.u64(first_sequence);
    header.resize(kSegmentHeaderBytes, '\0');
    store(header.data() + 8, crc32c(std::string_view{header}.substr(12)));
    return header;
}

std::optional<std::uint64_t> parse_segment_header(std::string_view bytes) {
    if (bytes.size() < kSegmentHeaderBytes) return std::nullopt;
    bytes = bytes.substr(0, kSegmentHeaderBytes);
    if (!bytes.starts_with(kSegmentMagic)) return std::nullopt;
    if (load<std::uint32_t>(bytes.data() + 8) != crc32c(bytes.substr(12))) return std::nullopt;
    if (load<std::uint32_t>(bytes.data() + 12) != kVersion) return std::nullopt;
    return load<std::uint64_t>(bytes.data() + 16);
}

void append_record(std::string& batch, RecordType type, std::uint64_t sequence, std::int64_t time,
                   std::string_view payload) {
    const std::size_t start = batch.size();
    ByteWriter writer{batch};
    writer.u32(kRecordMagic);
    writer.u32(0);
    writer.u32(static_cast<std::uint32_t>(payload.size()));
    writer.u32(static_cast<std::uint32_t>(type));
    writer.u64(sequence);
    writer.i64(time);
    writer.u64(0);
    batch.append(payload);
    batch.resize(start + framed_bytes(payload.size()), '\0');
}

void seal(std::string& batch, std::uint64_t acknowledged) {
    for (std::size_t at = 0; at < batch.size();) {
        char* record = batch.data() + at;
        const std::size_t size = framed_bytes(load<std::uint32_t>(record + 8));
        store(record + 32, acknowledged);
        store(record + 4, crc32c({record + kChecksumEnd, size - kChecksumEnd}));
        at += size;
    }
}

std::size_t claimed_bytes(std::string_view bytes) {
    if (bytes.size() < kRecordHeaderBytes) return kRecordHeaderBytes;
    if (load<std::uint32_t>(bytes.data()) != kRecordMagic) return 0;
    const std::size_t payload = load<std::uint32_t>(bytes.data() + 8);
    return payload > kMaxPayloadBytes ? 0 : framed_bytes(payload);
}

std::optional<Record> parse_record(std::string_view bytes) {
    const std::size_t size = claimed_bytes(bytes);
    if (size == 0 || bytes.size() < size) return std::nullopt;
    bytes = bytes.substr(0, size);
    if (load<std::uint32_t>(bytes.data() + 4) != crc32c(bytes.substr(kChecksumEnd))) return std::nullopt;
    const auto type = load<std::uint32_t>(bytes.data() + 12);
    if (type < 1 || type > 4) return std::nullopt;
    return Record{.type = static_cast<RecordType>(type),
                  .sequence = load<std::uint64_t>(bytes.data() + 16),
                  .time = static_cast<std::int64_t>(load<std::uint64_t>(bytes.data() + 24)),
                  .acknowledged = load<std::uint64_t>(bytes.data() + 32),
                  .payload = bytes.substr(kRecordHeaderBytes, load<std::uint32_t>(bytes.data() + 8))};
}

}  // namespace sluice::policies
