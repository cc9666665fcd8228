// Meaning of journal payloads, and the hash chain over them. What is decoded here comes from disk: nothing is trusted.
#pragma once

#include "core/crypto.hpp"
#include "core/result.hpp"
#include "core/usage.hpp"
#include "policies/ledger/journal_format.hpp"
#include "policies/ledger/ledger.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::policies {

struct HoldRecord {
    std::string id;
    core::TeamId team;
    core::KeyId key;
    std::string user;
    std::string target;
    core::Zone zone = core::Zone::Cloud;
    core::NanoUsd amount;
    std::int32_t day = 0;
};

struct ExtendRecord {
    std::uint64_t hold = 0;  // sequence of the hold's record
    core::NanoUsd more;
};

struct SettleRecord {
    std::uint64_t hold = 0;
    SettledBy settled_by = SettledBy::Usage;
    core::NanoUsd charge = {};
    core::Usage usage = {};
    std::string target = {};  // empty: the hold's target and zone
    core::Zone zone = core::Zone::Cloud;
    std::string price_version = {};
    std::string decision_json = {};
};

struct DecisionRecord {
    std::string id;
    core::TeamId team;
    core::KeyId key;
    std::string decision_json;
};

// Each replaces `out`, whose capacity is reused from call to call.
void encode(const HoldRecord& record, std::string& out);
void encode(const ExtendRecord& record, std::string& out);
void encode(const SettleRecord& record, std::string& out);
void encode(const DecisionRecord& record, std::string& out);

// nullopt: not a record of that type.
std::optional<HoldRecord> decode_hold(std::string_view payload);
std::optional<ExtendRecord> decode_extend(std::string_view payload);
std::optional<SettleRecord> decode_settle(std::string_view payload);
std::optional<DecisionRecord> decode_decision(std::string_view payload);

core::Error bad_record(std::uint64_t sequence, const char* why);  // Corrupt: "ledger record N WHY"

// h_i = SHA-256(0x00 || h_{i-1} || sequence || time || type || payload); h_0 is all zeros.
core::Digest chain_hash(const core::Digest& previous, const Record& record);

}  // namespace sluice::policies
