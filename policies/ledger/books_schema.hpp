// The tables of ledger.db. `records` is the truth: the journal's records byte for byte, with their hash chain.
// Everything else is derived from it, in the same transaction, and verify() derives it again.
#pragma once

#include "policies/sqlite.hpp"

namespace sluice::policies {

inline constexpr std::int64_t kBooksVersion = 1;

inline constexpr Sql kBooksSchema = R"sql(
CREATE TABLE records(            -- append-only; sequence without gaps from 1
    sequence INTEGER PRIMARY KEY,
    time     INTEGER NOT NULL,   -- unix nanoseconds, UTC; order is by sequence, not by time
    type     INTEGER NOT NULL,   -- 1 hold, 2 extend, 3 settle, 4 decision
    payload  BLOB NOT NULL,
    hash     BLOB NOT NULL       -- SHA-256(0x00 || previous hash || sequence || time || type || payload)
) STRICT;
CREATE TABLE decisions(
    sequence INTEGER PRIMARY KEY REFERENCES records(sequence),
    id       TEXT NOT NULL UNIQUE,
    team     INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    time     INTEGER NOT NULL
) STRICT;
CREATE TABLE holds(              -- open ones only
    sequence INTEGER PRIMARY KEY REFERENCES records(sequence),
    id       TEXT NOT NULL,
    team     INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    user     TEXT NOT NULL,
    target   TEXT NOT NULL,
    zone     TEXT NOT NULL,
    amount   INTEGER NOT NULL CHECK(amount >= 0),
    day      INTEGER NOT NULL,
    time     INTEGER NOT NULL
) STRICT;
CREATE TABLE ledger_entries(     -- one per settled hold, under its decision's id
    sequence          INTEGER PRIMARY KEY REFERENCES decisions(sequence),
    id                TEXT NOT NULL,
    team              INTEGER NOT NULL,
    key               INTEGER NOT NULL,
    user              TEXT NOT NULL,
    target            TEXT NOT NULL,      -- provider/model
    zone              TEXT NOT NULL,
    price_version     TEXT NOT NULL,
    prompt_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    cached_tokens     INTEGER NOT NULL,
    reasoning_tokens  INTEGER NOT NULL,
    hold              INTEGER NOT NULL,   -- nano-USD
    charge            INTEGER NOT NULL CHECK(charge >= 0 AND charge <= hold),
    estimated         INTEGER NOT NULL,
    settled_by        TEXT NOT NULL,      -- usage, estimate, recovery, void
    held_at           INTEGER NOT NULL,   -- unix nanoseconds
    time              INTEGER NOT NULL,
    day               INTEGER NOT NULL,   -- budget windows: days and months since 1970, UTC
    month             INTEGER NOT NULL
) STRICT;
CREATE TABLE accounts(
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE             -- "expense/team:1/key:2", "payable/deepseek/deepseek-chat"
) STRICT;
CREATE TABLE postings(           -- double entry: the amounts of an entry, and of all entries, sum to zero
    entry   INTEGER NOT NULL REFERENCES ledger_entries(sequence),
    account INTEGER NOT NULL REFERENCES accounts(id),
    amount  INTEGER NOT NULL,
    PRIMARY KEY(entry, account)
) STRICT, WITHOUT ROWID;
CREATE TABLE usage_by_day(       -- a sum over ledger_entries for quick starts and reports
    day               INTEGER NOT NULL,
    team              INTEGER NOT NULL,
    key               INTEGER NOT NULL,
    target            TEXT NOT NULL,
    requests          INTEGER NOT NULL,   -- void ones are not counted
    prompt_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    cached_tokens     INTEGER NOT NULL,
    charge            INTEGER NOT NULL,
    estimated         INTEGER NOT NULL,
    PRIMARY KEY(day, team, key, target)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
)sql";

}  // namespace sluice::policies
