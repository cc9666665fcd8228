// Reading the books: usage, decisions, and whether they are sound. Opens SQLite read-only beside a running gateway (it
// lags by the ledger's apply interval); when no gateway runs, the journal is applied first. Blocking; for the CLI.
#pragma once

#include "core/caller.hpp"
#include "core/money.hpp"
#include "core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::policies {

enum class UsageBy { Team, Model, Day };

struct UsageFilter {
    std::optional<core::TeamId> team;
    std::optional<std::int32_t> first_day;  // days since 1970 UTC, inclusive
    std::optional<std::int32_t> last_day;
};

struct UsageRow {
    std::string name;  // team name ("team 7" when it is gone), target, or "2026-11-24"
    std::int64_t requests = 0;
    core::Tokens prompt_tokens = 0;
    core::Tokens completion_tokens = 0;
    core::Tokens cached_tokens = 0;
    core::NanoUsd cost;
    std::int64_t estimated = 0;  // requests whose cost was estimated or settled by recovery
};

struct AuditFilter {
    std::optional<core::TeamId> team;
    std::int64_t limit = 50;
};

struct AuditRow {
    std::uint64_t sequence = 0;
    std::string id;
    std::int64_t unix_nanoseconds = 0;
    core::TeamId team;
    core::KeyId key;
    std::string settled_by;  // "usage", "estimate", "recovery", "void"; empty: no money was held
    std::string target;
    core::NanoUsd charge;
    std::string decision_json;  // empty for holds settled without one
};

struct VerifyReport {
    std::uint64_t records = 0;
    std::uint64_t entries = 0;
    core::NanoUsd charged;   // sum over all entries
    std::string chain_head;  // hex of the last hash
};

// True: the journal is applied. False: a running gateway owns the ledger and does it.
core::Result<bool> apply_pending(const std::filesystem::path& directory);

class LedgerReader {
public:
    // NotFound when there is no ledger in that directory.
    static core::Result<LedgerReader> open(const std::filesystem::path& directory);
    LedgerReader(LedgerReader&&) noexcept;
    LedgerReader& operator=(LedgerReader&&) noexcept;
    ~LedgerReader();

    core::Result<std::vector<UsageRow>> usage(
        UsageBy by, const UsageFilter& filter = {}) const;  // most expensive first; days in order
    core::Result<std::vector<AuditRow>> audit(const AuditFilter& filter = {}) const;  // newest first
    core::Result<std::optional<AuditRow>> decision(const std::string& id) const;
    // Recomputes the hash chain and every sum from the records. Corrupt: names the first bad sequence or the sum that
    // differs.
    core::Result<VerifyReport> verify() const;

private:
    struct State;
    explicit LedgerReader(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace sluice::policies
