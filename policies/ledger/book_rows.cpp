#include "policies/ledger/book_rows.hpp"

#include "policies/ledger/clock.hpp"

#include <algorithm>

namespace sluice::policies {

using core::Result;

void RecordRow::cell(int column, Cell out) const {
    switch (column) {
        case 0: return out.set(sequence);
        case 1: return out.set(time);
        case 2: return out.set(std::int64_t{static_cast<int>(type)});
        case 3: return out.set(Blob{payload});
        default: return out.set(as_blob(hash));
    }
}

void DecisionRow::cell(int column, Cell out) const {
    switch (column) {
        case 0: return out.set(sequence);
        case 1: return out.set(id);
        case 2: return out.set(team.value);
        case 3: return out.set(key.value);
        default: return out.set(time);
    }
}

void EntryRow::cell(int column, Cell out) const {
    switch (column) {
        case 0: return out.set(sequence);
        case 1: return out.set(held.id);
        case 2: return out.set(held.team.value);
        case 3: return out.set(held.key.value);
        case 4: return out.set(held.user);
        case 5: return out.set(settle.target);
        case 6: return out.set(core::to_string(settle.zone));
        case 7: return out.set(settle.price_version);
        case 8: return out.set(settle.usage.prompt);
        case 9: return out.set(settle.usage.completion);
        case 10: return out.set(settle.usage.cached);
        case 11: return out.set(settle.usage.reasoning);
        case 12: return out.set(held.amount.value);
        case 13: return out.set(settle.charge.value);
        case 14: return out.set(std::int64_t{settle.usage.estimated});
        case 15: return out.set(to_string(settle.settled_by));
        case 16: return out.set(held_at);
        case 17: return out.set(time);
        case 18: return out.set(std::int64_t{held.day});
        default: return out.set(std::int64_t{month_of_day(held.day)});
    }
}

void PostingRow::cell(int column, Cell out) const {
    switch (column) {
        case 0: return out.set(entry);
        case 1: return out.set(account);
        default: return out.set(amount);
    }
}

struct BookRows::Statements {
    Statement records;
    Statement decisions;
    Statement entries;
    Statement postings;
    Statement decision_of;  // the number of decisions under a sequence
    Statement renamed;
};

BookRows::BookRows() = default;
BookRows::~BookRows() = default;

Result<std::unique_ptr<BookRows>> BookRows::in(Database& database) {
    std::unique_ptr<BookRows> made{new BookRows};
    for (const auto& shown :
         {show_rows(database, "new_records", "CREATE TABLE t(sequence, time, type, payload, hash)", made->records),
          show_rows(database, "new_decisions", "CREATE TABLE t(sequence, id, team, key, time)", made->decisions),
          show_rows(database, "new_entries",
                    "CREATE TABLE t(sequence, id, team, key, user, target, zone, price_version, prompt_tokens, "
                    "completion_tokens,"
                    " cached_tokens, reasoning_tokens, hold, charge, estimated, settled_by, held_at, time, day, month)",
                    made->entries),
          show_rows(database, "new_postings", "CREATE TABLE t(entry, account, amount)", made->postings)})
        if (!shown) return shown.error();
    auto records = database.prepare("INSERT INTO records SELECT * FROM new_records");
    auto decisions =
        database.prepare("INSERT INTO decisions SELECT * FROM new_decisions WHERE true ON CONFLICT(id) DO NOTHING");
    auto entries = database.prepare("INSERT INTO ledger_entries SELECT * FROM new_entries");
    auto postings = database.prepare("INSERT INTO postings SELECT * FROM new_postings");
    auto decision_of = database.prepare("SELECT count(*) FROM decisions WHERE sequence = ?");
    auto renamed = database.prepare("INSERT INTO decisions(sequence, id, team, key, time) VALUES(?,?,?,?,?)");
    for (const auto* statement : {&records, &decisions, &entries, &postings, &decision_of, &renamed})
        if (!*statement) return statement->error();
    made->statements_.reset(new Statements{std::move(*records), std::move(*decisions), std::move(*entries),
                                           std::move(*postings), std::move(*decision_of), std::move(*renamed)});
    return made;
}

Result<std::uint64_t> BookRows::store(Database& database) {
    std::uint64_t duplicates = 0;
    if (auto stored = statements_->records.run(); !stored) return stored.error();
    if (!decisions.rows.empty()) {
        if (auto stored = statements_->decisions.run(); !stored) return stored.error();
        if (database.changes() != static_cast<std::int64_t>(decisions.size())) {
            const auto renamed = rename_duplicates();
            if (!renamed) return renamed.error();
            duplicates = *renamed;
        }
    }
    if (!entries.rows.empty()) {
        if (auto stored = statements_->entries.run(); !stored) return stored.error();
        if (auto stored = statements_->postings.run(); !stored) return stored.error();
    }
    records.rows.clear();
    decisions.rows.clear();
    entries.rows.clear();
    postings.rows.clear();
    return duplicates;
}

Result<std::uint64_t> BookRows::rename_duplicates() {
    std::uint64_t duplicates = 0;
    for (const DecisionRow& decision : decisions.rows) {
        auto& is_there = statements_->decision_of;
        const auto row = is_there.bind(decision.sequence).step();
        if (!row) return row.error();
        const bool stored = is_there.integer(0) != 0;
        is_there.reset();
        if (stored) continue;
        ++duplicates;
        const std::string other = decision.id + "#" + std::to_string(decision.sequence);
        if (auto done = statements_->renamed.run(decision.sequence, other, decision.team.value, decision.key.value,
                                                 decision.time);
            !done)
            return bad_record(static_cast<std::uint64_t>(decision.sequence), "uses the id of another record");
        const auto entry = std::find_if(entries.rows.begin(), entries.rows.end(), [&](const EntryRow& candidate) {
            return candidate.sequence == decision.sequence;
        });
        if (entry != entries.rows.end()) entry->held.id = other;
    }
    return duplicates;
}

}  // namespace sluice::policies
