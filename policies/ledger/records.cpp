#include "policies/ledger/records.hpp"

#include "policies/ledger/bytes.hpp"

namespace sluice::policies {

namespace {

std::optional<core::Zone> zone_of(std::uint8_t value) {
    if (value > 1) return std::nullopt;
    return static_cast<core::Zone>(value);
}

std::uint8_t byte_of(core::Zone zone) {
    return static_cast<std::uint8_t>(zone);
}

}  // namespace

void encode(const HoldRecord& record, std::string& out) {
    out.clear();
    ByteWriter writer{out};
    writer.text(record.id);
    writer.i64(record.team.value);
    writer.i64(record.key.value);
    writer.text(record.user);
    writer.text(record.target);
    writer.u8(byte_of(record.zone));
    writer.i64(record.amount.value);
    writer.u32(static_cast<std::uint32_t>(record.day));
}

std::optional<HoldRecord> decode_hold(std::string_view payload) {
    ByteReader reader{payload};
    HoldRecord record;
    record.id = reader.text();
    record.team.value = reader.i64();
    record.key.value = reader.i64();
    record.user = reader.text();
    record.target = reader.text();
    const auto zone = zone_of(reader.u8());
    record.amount.value = reader.i64();
    record.day = static_cast<std::int32_t>(reader.u32());
    if (!reader.finished() || !zone || record.amount.value < 0) return std::nullopt;
    record.zone = *zone;
    return record;
}

void encode(const ExtendRecord& record, std::string& out) {
    out.clear();
    ByteWriter writer{out};
    writer.u64(record.hold);
    writer.i64(record.more.value);
}

std::optional<ExtendRecord> decode_extend(std::string_view payload) {
    ByteReader reader{payload};
    ExtendRecord record;
    record.hold = reader.u64();
    record.more.value = reader.i64();
    if (!reader.finished() || record.more.value < 0) return std::nullopt;
    return record;
}

void encode(const SettleRecord& record, std::string& out) {
    out.clear();
    ByteWriter writer{out};
    writer.u64(record.hold);
    writer.u8(static_cast<std::uint8_t>(record.settled_by));
    writer.i64(record.charge.value);
    writer.i64(record.usage.prompt);
    writer.i64(record.usage.completion);
    writer.i64(record.usage.cached);
    writer.i64(record.usage.reasoning);
    writer.text(record.target);
    writer.u8(byte_of(record.zone));
    writer.text(record.price_version);
    writer.text(record.decision_json);
}

std::optional<SettleRecord> decode_settle(std::string_view payload) {
    ByteReader reader{payload};
    SettleRecord record;
    record.hold = reader.u64();
    const auto settled_by = reader.u8();
    record.charge.value = reader.i64();
    record.usage.prompt = reader.i64();
    record.usage.completion = reader.i64();
    record.usage.cached = reader.i64();
    record.usage.reasoning = reader.i64();
    record.target = reader.text();
    const auto zone = zone_of(reader.u8());
    record.price_version = reader.text();
    record.decision_json = reader.text();
    if (!reader.finished() || !zone || settled_by > static_cast<std::uint8_t>(SettledBy::Void)) return std::nullopt;
    if (record.charge.value < 0) return std::nullopt;
    record.zone = *zone;
    record.settled_by = static_cast<SettledBy>(settled_by);
    record.usage.estimated = record.settled_by == SettledBy::Estimate || record.settled_by == SettledBy::Recovery;
    return record;
}

void encode(const DecisionRecord& record, std::string& out) {
    out.clear();
    ByteWriter writer{out};
    writer.text(record.id);
    writer.i64(record.team.value);
    writer.i64(record.key.value);
    writer.text(record.decision_json);
}

std::optional<DecisionRecord> decode_decision(std::string_view payload) {
    ByteReader reader{payload};
    DecisionRecord record;
    record.id = reader.text();
    record.team.value = reader.i64();
    record.key.value = reader.i64();
    record.decision_json = reader.text();
    if (!reader.finished()) return std::nullopt;
    return record;
}

core::Error bad_record(std::uint64_t sequence, const char* why) {
    return {core::Errc::Corrupt, "ledger record " + std::to_string(sequence) + " " + why};
}

core::Digest chain_hash(const core::Digest& previous, const Record& record) {
    thread_local std::string bytes;
    bytes.assign(1, '\0');
    bytes.append(reinterpret_cast<const char*>(previous.data()), previous.size());
    ByteWriter writer{bytes};
    writer.u64(record.sequence);
    writer.i64(record.time);
    writer.u8(static_cast<std::uint8_t>(record.type));
    bytes.append(record.payload);
    return core::sha256(bytes);
}

}  // namespace sluice::policies
