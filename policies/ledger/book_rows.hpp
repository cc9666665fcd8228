// Rows on their way into the books, and the statements that store many of them at once.
#pragma once

#include "core/crypto.hpp"
#include "policies/ledger/records.hpp"
#include "policies/sqlite_rows.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace sluice::policies {

struct RecordRow {
    std::int64_t sequence;
    std::int64_t time;
    RecordType type;
    std::string payload;
    core::Digest hash;

    void cell(int column, Cell out) const;
};

struct DecisionRow {
    std::int64_t sequence;
    std::string id;
    core::TeamId team;
    core::KeyId key;
    std::int64_t time;

    void cell(int column, Cell out) const;
};

struct EntryRow {
    std::int64_t sequence;
    HoldRecord held;      // with the id that its decision is stored under
    SettleRecord settle;  // with the target that served
    std::int64_t held_at;
    std::int64_t time;

    void cell(int column, Cell out) const;
};

struct PostingRow {
    std::int64_t entry;
    std::int64_t account;
    std::int64_t amount;

    void cell(int column, Cell out) const;
};

// Lives as long as the database whose tables it shows itself as; one thread at a time.
class BookRows {
public:
    static core::Result<std::unique_ptr<BookRows>> in(Database& database);
    BookRows(const BookRows&) = delete;
    BookRows& operator=(const BookRows&) = delete;
    ~BookRows();

    static constexpr std::size_t kAtOnce = 32;  // records: when to store

    RowsOf<RecordRow> records;
    RowsOf<DecisionRow> decisions;
    RowsOf<EntryRow> entries;
    RowsOf<PostingRow> postings;

    // Stores everything, inside the caller's transaction, and is empty then. Ids are ours and random; should one come
    // twice, neither the money nor the record is lost: the second is stored as "id#sequence". Their number.
    core::Result<std::uint64_t> store(Database& database);

private:
    BookRows();
    core::Result<std::uint64_t> rename_duplicates();

    struct Statements;
    std::unique_ptr<Statements> statements_;
};

}  // namespace sluice::policies
