// The books in SQLite: applies journal records, each exactly once. The newest applied sequence is the newest row of
// `records`, which is written in the same transaction as everything that follows from it.
// One thread at a time.
#pragma once

#include "core/result.hpp"
#include "policies/ledger/book_rows.hpp"
#include "policies/ledger/gentle_sync.hpp"
#include "policies/ledger/records.hpp"
#include "policies/sqlite.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace sluice::policies {

struct OpenHold {
    std::uint64_t sequence = 0;
    HoldRecord record = {};
    std::int64_t time = 0;
    bool stored = false;   // has a row in `holds`
    bool changed = false;  // its amount differs from that row
};

// Of what is stored row by row.
struct BookStatements {
    static core::Result<BookStatements> prepare(Database& database);
    Statement hold;
    Statement hold_amount;
    Statement close_hold;
    Statement account;
    Statement usage;
};

class Books {
public:
    // Makes or checks DIRECTORY/ledger.db: the file itself, its version, and the newest part of the hash chain.
    static core::Result<std::unique_ptr<Books>> open(const std::filesystem::path& directory);
    Books(const Books&) = delete;
    Books& operator=(const Books&) = delete;
    ~Books();
    static std::filesystem::path path_in(const std::filesystem::path& directory) { return directory / "ledger.db"; }

    std::uint64_t applied() const { return applied_; }  // committed
    const core::Digest& chain_head() const { return chain_; }
    std::vector<OpenHold> open_holds() const;
    // Ids that were used twice; the second of each was stored as "id#sequence".
    std::uint64_t duplicate_ids() const { return duplicate_ids_; }

    using SpendVisitor = std::function<void(core::TeamId, core::KeyId, std::int32_t day, core::NanoUsd spent)>;
    core::Result<void> visit_spend(std::int32_t first_day, const SpendVisitor& visit) const;

    // One transaction: begin, any number of records in order, commit. After an error the object is done for: open it
    // anew.
    core::Result<void> begin();
    core::Result<void> add(const Record& record);
    core::Result<void> commit();

    // From here on commits do not wait for the disk: the journal keeps what they hold until make_durable() was true. And
    // references between rows are left to verify_books().
    core::Result<void> rely_on_journal();
    // Everything committed is on disk; false: not now, ask again. Gentle lets the journal's syncs through (GentleSync).
    enum class Pace { Gentle, Full };
    core::Result<bool> make_durable(Pace pace);

private:
    struct UsageSum {
        std::int64_t requests = 0;
        core::Tokens prompt = 0;
        core::Tokens completion = 0;
        core::Tokens cached = 0;
        core::NanoUsd charge;
        std::int64_t estimated = 0;
    };
    using UsageKey = std::tuple<std::int32_t, std::int64_t, std::int64_t, std::string>;

    Books(Database database, std::unique_ptr<BookRows> rows, BookStatements statements);
    core::Result<void> load();
    core::Result<void> check_chain_tail();
    core::Result<void> derive(const Record& record);
    core::Result<void> add_hold(const Record& record);
    core::Result<void> add_extend(const Record& record);
    core::Result<void> add_settle(const Record& record);
    core::Result<void> add_decision(const Record& record);
    core::Result<void> add_entry(const Record& record, OpenHold hold, SettleRecord settle);
    core::Result<void> store_rows();
    core::Result<void> post(std::uint64_t entry, const std::string& account, std::int64_t amount);
    core::Result<std::int64_t> account_id(const std::string& name);
    core::Result<void> store_open_holds();
    core::Result<void> store_usage();

    // Their descriptors are closed after the database is.
    std::optional<GentleSync> file_sync_;
    std::optional<GentleSync> log_sync_;
    Database database_;
    std::unique_ptr<BookRows> rows_;  // not stored yet
    BookStatements statements_;
    std::uint64_t applied_ = 0;
    std::uint64_t newest_ = 0;  // added, perhaps not committed
    core::Digest chain_{};
    std::uint64_t duplicate_ids_ = 0;
    std::unordered_map<std::uint64_t, OpenHold> holds_;
    std::vector<std::uint64_t> touched_holds_;  // of this transaction
    std::map<UsageKey, UsageSum> usage_;        // of this transaction
    std::unordered_map<std::string, std::int64_t> accounts_;
};

}  // namespace sluice::policies
