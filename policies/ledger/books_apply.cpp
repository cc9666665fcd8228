// What a record does to the books.
#include "policies/ledger/books.hpp"
#include "policies/ledger/clock.hpp"

#include <utility>

namespace sluice::policies {

namespace {

using core::Result;

std::int64_t as_integer(std::uint64_t sequence) {
    return static_cast<std::int64_t>(sequence);
}

}  // namespace

Result<BookStatements> BookStatements::prepare(Database& database) {
    auto hold = database.prepare(
        "INSERT INTO holds(sequence, id, team, key, user, target, zone, amount, day, time) "
        "VALUES(?,?,?,?,?,?,?,?,?,?)");
    auto hold_amount = database.prepare("UPDATE holds SET amount = ? WHERE sequence = ?");
    auto close_hold = database.prepare("DELETE FROM holds WHERE sequence = ?");
    auto account = database.prepare("INSERT INTO accounts(name) VALUES(?)");
    auto usage = database.prepare(
        "INSERT INTO usage_by_day(day, team, key, target, requests, prompt_tokens, completion_tokens, cached_tokens, "
        "charge,"
        " estimated) VALUES(?,?,?,?,?,?,?,?,?,?) ON CONFLICT(day, team, key, target) DO UPDATE SET"
        " requests = requests + excluded.requests, prompt_tokens = prompt_tokens + excluded.prompt_tokens,"
        " completion_tokens = completion_tokens + excluded.completion_tokens,"
        " cached_tokens = cached_tokens + excluded.cached_tokens, charge = charge + excluded.charge,"
        " estimated = estimated + excluded.estimated");
    for (const auto* made : {&hold, &hold_amount, &close_hold, &account, &usage})
        if (!*made) return made->error();
    return BookStatements{std::move(*hold), std::move(*hold_amount), std::move(*close_hold), std::move(*account),
                          std::move(*usage)};
}

Result<void> Books::begin() {
    return database_.execute("BEGIN IMMEDIATE");
}

Result<void> Books::commit() {
    if (auto stored = store_rows(); !stored) return stored;
    if (auto stored = store_open_holds(); !stored) return stored;
    if (auto stored = store_usage(); !stored) return stored;
    if (auto committed = database_.execute("COMMIT"); !committed) return committed;
    applied_ = newest_;
    return {};
}

Result<void> Books::add(const Record& record) {
    if (record.sequence != newest_ + 1) return bad_record(record.sequence, "is out of order");
    const core::Digest hash = chain_hash(chain_, record);
    rows_->records.rows.push_back(
        {as_integer(record.sequence), record.time, record.type, std::string{record.payload}, hash});
    chain_ = hash;
    newest_ = record.sequence;
    if (auto derived = derive(record); !derived) return derived;
    return rows_->records.size() < BookRows::kAtOnce ? Result<void>{} : store_rows();
}

Result<void> Books::derive(const Record& record) {
    switch (record.type) {
        case RecordType::Hold: return add_hold(record);
        case RecordType::Extend: return add_extend(record);
        case RecordType::Settle: return add_settle(record);
        case RecordType::Decision: return add_decision(record);
    }
    return bad_record(record.sequence, "has an unknown type");
}

Result<void> Books::store_rows() {
    const auto stored = rows_->store(database_);
    if (!stored) return stored.error();
    duplicate_ids_ += *stored;
    return {};
}

// A hold that is settled before the transaction ends never becomes a row: under load that is nearly all of them.
Result<void> Books::add_hold(const Record& record) {
    auto hold = decode_hold(record.payload);
    if (!hold) return bad_record(record.sequence, "is not a hold");
    holds_.emplace(record.sequence,
                   OpenHold{.sequence = record.sequence, .record = std::move(*hold), .time = record.time});
    touched_holds_.push_back(record.sequence);
    return {};
}

Result<void> Books::add_extend(const Record& record) {
    const auto extend = decode_extend(record.payload);
    if (!extend) return bad_record(record.sequence, "is not an extension");
    const auto found = holds_.find(extend->hold);
    if (found == holds_.end()) return bad_record(record.sequence, "extends a hold that is not open");
    auto& amount = found->second.record.amount;
    amount = amount + extend->more;
    found->second.changed = true;
    touched_holds_.push_back(extend->hold);
    return {};
}

Result<void> Books::add_settle(const Record& record) {
    auto settle = decode_settle(record.payload);
    if (!settle) return bad_record(record.sequence, "is not a settlement");
    const auto found = holds_.find(settle->hold);
    if (found == holds_.end()) return bad_record(record.sequence, "settles a hold that is not open");
    OpenHold hold = std::move(found->second);
    holds_.erase(found);
    if (hold.stored) {
        if (auto closed = statements_.close_hold.run(as_integer(hold.sequence)); !closed) return closed;
    }
    rows_->decisions.rows.push_back(
        {as_integer(record.sequence), hold.record.id, hold.record.team, hold.record.key, record.time});
    return add_entry(record, std::move(hold), std::move(*settle));
}

Result<void> Books::add_decision(const Record& record) {
    auto decision = decode_decision(record.payload);
    if (!decision) return bad_record(record.sequence, "is not a decision");
    rows_->decisions.rows.push_back(
        {as_integer(record.sequence), std::move(decision->id), decision->team, decision->key, record.time});
    return {};
}

Result<void> Books::add_entry(const Record& record, OpenHold hold, SettleRecord settle) {
    HoldRecord& held = hold.record;
    if (settle.target.empty()) {
        settle.target = held.target;
        settle.zone = held.zone;
    }
    if (settle.charge > held.amount) return bad_record(record.sequence, "charges more than its hold");
    if (settle.charge.value > 0) {
        const auto expense =
            "expense/team:" + std::to_string(held.team.value) + "/key:" + std::to_string(held.key.value);
        if (auto posted = post(record.sequence, expense, settle.charge.value); !posted) return posted;
        if (auto posted = post(record.sequence, "payable/" + settle.target, -settle.charge.value); !posted)
            return posted;
    }
    auto& sum = usage_[UsageKey{held.day, held.team.value, held.key.value, settle.target}];
    sum.requests += settle.settled_by == SettledBy::Void ? 0 : 1;
    sum.prompt += settle.usage.prompt;
    sum.completion += settle.usage.completion;
    sum.cached += settle.usage.cached;
    sum.charge = sum.charge + settle.charge;
    sum.estimated += settle.usage.estimated ? 1 : 0;
    rows_->entries.rows.push_back(
        {as_integer(record.sequence), std::move(held), std::move(settle), hold.time, record.time});
    return {};
}

Result<void> Books::post(std::uint64_t entry, const std::string& account, std::int64_t amount) {
    const auto id = account_id(account);
    if (!id) return id.error();
    rows_->postings.rows.push_back({as_integer(entry), *id, amount});
    return {};
}

Result<std::int64_t> Books::account_id(const std::string& name) {
    if (const auto found = accounts_.find(name); found != accounts_.end()) return found->second;
    if (auto made = statements_.account.run(name); !made) return made.error();
    return accounts_[name] = database_.last_insert_rowid();
}

Result<void> Books::store_open_holds() {
    for (const auto sequence : touched_holds_) {
        const auto found = holds_.find(sequence);
        if (found == holds_.end()) continue;  // settled meanwhile
        OpenHold& hold = found->second;
        const HoldRecord& record = hold.record;
        Result<void> stored;
        if (!hold.stored)
            stored = statements_.hold.run(as_integer(sequence), record.id, record.team.value, record.key.value,
                                          record.user, record.target, core::to_string(record.zone), record.amount.value,
                                          std::int64_t{record.day}, hold.time);
        else if (hold.changed) stored = statements_.hold_amount.run(record.amount.value, as_integer(sequence));
        if (!stored) return stored;
        hold.stored = true;
        hold.changed = false;
    }
    touched_holds_.clear();
    return {};
}

Result<void> Books::store_usage() {
    for (const auto& [key, sum] : usage_) {
        const auto& [day, team, key_id, target] = key;
        auto stored = statements_.usage.run(std::int64_t{day}, team, key_id, target, sum.requests, sum.prompt,
                                            sum.completion, sum.cached, sum.charge.value, sum.estimated);
        if (!stored) return stored;
    }
    usage_.clear();
    return {};
}

}  // namespace sluice::policies
