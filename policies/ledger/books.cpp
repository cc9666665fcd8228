#include "policies/ledger/books.hpp"

#include "policies/ledger/books_schema.hpp"
#include "policies/ledger/clock.hpp"

#include <utility>

namespace sluice::policies {

namespace {

using core::Errc;
using core::Error;
using core::Result;

constexpr std::int64_t kTailRecords = 20'000;  // of the chain, checked at every start; verify() checks all of it

std::int64_t as_integer(std::uint64_t sequence) {
    return static_cast<std::int64_t>(sequence);
}

Blob as_blob(const core::Digest& digest) {
    return Blob{{reinterpret_cast<const char*>(digest.data()), digest.size()}};
}

Error bad_record(std::uint64_t sequence, const char* why) {
    return Error{Errc::Corrupt, "ledger record " + std::to_string(sequence) + " " + why};
}

}  // namespace

struct Books::Statements {
    Statement record;
    Statement decision;
    Statement hold;
    Statement hold_amount;
    Statement close_hold;
    Statement entry;
    Statement account;
    Statement posting;
    Statement usage;

    static Result<std::unique_ptr<Statements>> prepare(Database& database);
};

Result<std::unique_ptr<Books::Statements>> Books::Statements::prepare(Database& database) {
    auto record = database.prepare("INSERT INTO records(sequence, time, type, payload, hash) VALUES(?,?,?,?,?)");
    auto decision = database.prepare(
        "INSERT INTO decisions(sequence, id, team, key, time) VALUES(?,?,?,?,?) ON CONFLICT(id) DO NOTHING");
    auto hold = database.prepare(
        "INSERT INTO holds(sequence, id, team, key, user, target, zone, amount, day, time) "
        "VALUES(?,?,?,?,?,?,?,?,?,?)");
    auto hold_amount = database.prepare("UPDATE holds SET amount = ? WHERE sequence = ?");
    auto close_hold = database.prepare("DELETE FROM holds WHERE sequence = ?");
    auto entry = database.prepare(
        "INSERT INTO ledger_entries(sequence, id, team, key, user, target, zone, price_version, prompt_tokens,"
        " completion_tokens, cached_tokens, reasoning_tokens, hold, charge, estimated, settled_by, held_at, time, day, "
        "month)"
        " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    auto account = database.prepare("INSERT INTO accounts(name) VALUES(?)");
    auto posting = database.prepare("INSERT INTO postings(entry, account, amount) VALUES(?,?,?)");
    auto usage = database.prepare(
        "INSERT INTO usage_by_day(day, team, key, target, requests, prompt_tokens, completion_tokens, cached_tokens, "
        "charge,"
        " estimated) VALUES(?,?,?,?,?,?,?,?,?,?) ON CONFLICT(day, team, key, target) DO UPDATE SET"
        " requests = requests + excluded.requests, prompt_tokens = prompt_tokens + excluded.prompt_tokens,"
        " completion_tokens = completion_tokens + excluded.completion_tokens,"
        " cached_tokens = cached_tokens + excluded.cached_tokens, charge = charge + excluded.charge,"
        " estimated = estimated + excluded.estimated");
    for (const auto* made : {&record, &decision, &hold, &hold_amount, &close_hold, &entry, &account, &posting, &usage})
        if (!*made) return made->error();
    return std::unique_ptr<Statements>{new Statements{
        std::move(*record), std::move(*decision), std::move(*hold), std::move(*hold_amount), std::move(*close_hold),
        std::move(*entry), std::move(*account), std::move(*posting), std::move(*usage)}};
}

Books::Books(Database database, std::unique_ptr<Statements> statements)
    : database_(std::move(database)), statements_(std::move(statements)) {}

Books::~Books() = default;

Result<std::unique_ptr<Books>> Books::open(const std::filesystem::path& directory) {
    auto database = Database::open(path_in(directory), Database::Access::ReadWrite);
    if (!database) return database.error();
    if (auto sound = database->check(); !sound) return sound.error();
    const auto version = database->query_integer("PRAGMA user_version");
    if (!version) return version.error();
    if (*version == 0) {
        auto transaction = Transaction::begin(*database);
        if (!transaction) return transaction.error();
        if (auto made = database->execute(kBooksSchema); !made) return made.error();
        if (auto made = transaction->commit(); !made) return made.error();
    } else if (*version != kBooksVersion) {
        return Error{Errc::Corrupt, path_in(directory).string() + " has version " + std::to_string(*version) +
                                        ", this program knows version " + std::to_string(kBooksVersion)};
    }
    auto statements = Statements::prepare(*database);
    if (!statements) return statements.error();
    std::unique_ptr<Books> books{new Books{std::move(*database), std::move(*statements)}};
    if (auto loaded = books->load(); !loaded) return loaded.error();
    if (auto sound = books->check_chain_tail(); !sound) return sound.error();
    return books;
}

Result<void> Books::load() {
    auto accounts = database_.prepare("SELECT id, name FROM accounts");
    auto holds = database_.prepare("SELECT sequence, id, team, key, user, target, zone, amount, day, time FROM holds");
    if (!accounts) return accounts.error();
    if (!holds) return holds.error();
    for (;;) {
        const auto row = accounts->step();
        if (!row) return row.error();
        if (!*row) break;
        accounts_.emplace(accounts->text(1), accounts->integer(0));
    }
    for (;;) {
        const auto row = holds->step();
        if (!row) return row.error();
        if (!*row) return {};
        OpenHold hold{
            .sequence = static_cast<std::uint64_t>(holds->integer(0)), .time = holds->integer(9), .stored = true};
        const auto zone = core::parse_zone(holds->text(6));
        if (!zone) return bad_record(hold.sequence, "has a hold without a zone");
        hold.record = {.id = holds->text(1),
                       .team = {holds->integer(2)},
                       .key = {holds->integer(3)},
                       .user = holds->text(4),
                       .target = holds->text(5),
                       .zone = *zone,
                       .amount = {holds->integer(7)},
                       .day = static_cast<std::int32_t>(holds->integer(8))};
        holds_.emplace(hold.sequence, std::move(hold));
    }
}

// Also finds where the books end: applied_ and chain_.
Result<void> Books::check_chain_tail() {
    auto rows = database_.prepare(
        "SELECT sequence, time, type, payload, hash FROM records"
        " WHERE sequence >= (SELECT max(sequence) FROM records) - ? ORDER BY sequence");
    if (!rows) return rows.error();
    rows->bind(kTailRecords);
    bool first = true;
    for (;;) {
        const auto row = rows->step();
        if (!row) return row.error();
        if (!*row) break;
        const Record record{.type = static_cast<RecordType>(rows->integer(2)),
                            .sequence = static_cast<std::uint64_t>(rows->integer(0)),
                            .time = rows->integer(1),
                            .payload = rows->blob(3)};
        const auto stored = rows->blob(4);
        const bool anchored = !first || record.sequence == 1;  // the hash before it is known
        core::Digest hash = chain_hash(chain_, record);
        const bool follows = first || record.sequence == applied_ + 1;
        if (stored.size() != hash.size() || !follows)
            return bad_record(applied_ + 1, "is missing or damaged in ledger.db");
        if (anchored && stored != as_blob(hash).bytes)
            return bad_record(record.sequence, "does not match its hash in ledger.db");
        std::copy(stored.begin(), stored.end(), hash.begin());
        chain_ = hash;
        applied_ = newest_ = record.sequence;
        first = false;
    }
    return {};
}

std::vector<OpenHold> Books::open_holds() const {
    std::map<std::uint64_t, OpenHold> ordered{holds_.begin(), holds_.end()};
    std::vector<OpenHold> holds;
    holds.reserve(ordered.size());
    for (auto& [sequence, hold] : ordered) holds.push_back(std::move(hold));
    return holds;
}

Result<void> Books::visit_spend(std::int32_t first_day, const SpendVisitor& visit) const {
    auto rows = database_.prepare(
        "SELECT team, key, day, sum(charge) FROM usage_by_day WHERE day >= ? GROUP BY day, team, key ORDER BY day");
    if (!rows) return rows.error();
    rows->bind(std::int64_t{first_day});
    for (;;) {
        const auto row = rows->step();
        if (!row) return row.error();
        if (!*row) return {};
        visit({rows->integer(0)}, {rows->integer(1)}, static_cast<std::int32_t>(rows->integer(2)), {rows->integer(3)});
    }
}

// The log of SQLite grows to 64 MiB before a commit moves it into the file by itself: that takes a while, and each time
// the journal's writes wait in the same queue.
Result<void> Books::rely_on_journal() {
    return database_.execute("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 16384");
}

// SQLite would sync its log, copy the log's pages into the file and sync that, each at once. Here both syncs are ours: its log is
// on disk before a page of the file changes, and the file is before the next commit begins the log anew.
Result<bool> Books::make_durable(Pace pace) {
    if (pace == Pace::Full) return database_.checkpoint();
    if (!file_sync_) {
        auto file = GentleSync::open(database_.path());
        auto log = GentleSync::open(database_.path().string() + "-wal");
        if (!file) return file.error();
        if (!log) return log.error();
        file_sync_.emplace(std::move(*file));
        log_sync_.emplace(std::move(*log));
    }
    if (auto synced = log_sync_->run(); !synced) return synced.error();
    if (auto set = database_.execute("PRAGMA synchronous = OFF"); !set) return set.error();
    const auto copied = database_.checkpoint();
    if (auto set = database_.execute("PRAGMA synchronous = NORMAL"); !set) return set.error();
    if (!copied || !*copied) return copied;
    if (auto synced = file_sync_->run(); !synced) return synced.error();
    return true;
}

Result<void> Books::begin() {
    return database_.execute("BEGIN IMMEDIATE");
}

Result<void> Books::commit() {
    if (auto stored = store_open_holds(); !stored) return stored;
    if (auto stored = store_usage(); !stored) return stored;
    if (auto committed = database_.execute("COMMIT"); !committed) return committed;
    applied_ = newest_;
    return {};
}

Result<void> Books::add(const Record& record) {
    if (record.sequence != newest_ + 1) return bad_record(record.sequence, "is out of order");
    const core::Digest hash = chain_hash(chain_, record);
    auto stored =
        statements_->record.run(as_integer(record.sequence), record.time, std::int64_t{static_cast<int>(record.type)},
                                Blob{record.payload}, as_blob(hash));
    if (!stored) return stored;
    chain_ = hash;
    newest_ = record.sequence;
    switch (record.type) {
        case RecordType::Hold: return add_hold(record);
        case RecordType::Extend: return add_extend(record);
        case RecordType::Settle: return add_settle(record);
        case RecordType::Decision: return add_decision(record);
    }
    return bad_record(record.sequence, "has an unknown type");
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
    const auto settle = decode_settle(record.payload);
    if (!settle) return bad_record(record.sequence, "is not a settlement");
    const auto found = holds_.find(settle->hold);
    if (found == holds_.end()) return bad_record(record.sequence, "settles a hold that is not open");
    const OpenHold hold = std::move(found->second);
    holds_.erase(found);
    if (hold.stored) {
        if (auto closed = statements_->close_hold.run(as_integer(hold.sequence)); !closed) return closed;
    }
    const auto id = store_decision(record, hold.record.id, hold.record.team, hold.record.key);
    if (!id) return id.error();
    return store_entry(record, *id, hold, *settle);
}

Result<void> Books::add_decision(const Record& record) {
    const auto decision = decode_decision(record.payload);
    if (!decision) return bad_record(record.sequence, "is not a decision");
    const auto id = store_decision(record, decision->id, decision->team, decision->key);
    if (!id) return id.error();
    return {};
}

// The id it is stored under. Ids are ours and random; should one come twice, neither the money nor the record is lost.
Result<std::string> Books::store_decision(const Record& record, const std::string& id, core::TeamId team,
                                          core::KeyId key) {
    auto& insert = statements_->decision;
    if (auto stored = insert.run(as_integer(record.sequence), id, team.value, key.value, record.time); !stored)
        return stored.error();
    if (database_.changes() == 1) return id;
    ++duplicate_ids_;
    const std::string other = id + "#" + std::to_string(record.sequence);
    if (auto stored = insert.run(as_integer(record.sequence), other, team.value, key.value, record.time); !stored)
        return stored.error();
    if (database_.changes() != 1) return bad_record(record.sequence, "uses the id of another record");
    return other;
}

Result<void> Books::store_entry(const Record& record, const std::string& id, const OpenHold& hold,
                                const SettleRecord& settle) {
    const HoldRecord& held = hold.record;
    const std::string& target = settle.target.empty() ? held.target : settle.target;
    const core::Zone zone = settle.target.empty() ? held.zone : settle.zone;
    if (settle.charge > held.amount) return bad_record(record.sequence, "charges more than its hold");
    auto stored = statements_->entry.run(
        as_integer(record.sequence), id, held.team.value, held.key.value, held.user, target, core::to_string(zone),
        settle.price_version, settle.usage.prompt, settle.usage.completion, settle.usage.cached, settle.usage.reasoning,
        held.amount.value, settle.charge.value, std::int64_t{settle.usage.estimated}, to_string(settle.settled_by),
        hold.time, record.time, std::int64_t{held.day}, std::int64_t{month_of_day(held.day)});
    if (!stored) return stored;
    if (settle.charge.value > 0) {
        const auto expense =
            "expense/team:" + std::to_string(held.team.value) + "/key:" + std::to_string(held.key.value);
        if (auto posted = post(record.sequence, expense, settle.charge.value); !posted) return posted;
        if (auto posted = post(record.sequence, "payable/" + target, -settle.charge.value); !posted) return posted;
    }
    auto& sum = usage_[UsageKey{held.day, held.team.value, held.key.value, target}];
    sum.requests += settle.settled_by == SettledBy::Void ? 0 : 1;
    sum.prompt += settle.usage.prompt;
    sum.completion += settle.usage.completion;
    sum.cached += settle.usage.cached;
    sum.charge = sum.charge + settle.charge;
    sum.estimated += settle.usage.estimated ? 1 : 0;
    return {};
}

Result<void> Books::post(std::uint64_t entry, const std::string& account, std::int64_t amount) {
    const auto id = account_id(account);
    if (!id) return id.error();
    return statements_->posting.run(as_integer(entry), *id, amount);
}

Result<std::int64_t> Books::account_id(const std::string& name) {
    if (const auto found = accounts_.find(name); found != accounts_.end()) return found->second;
    if (auto made = statements_->account.run(name); !made) return made.error();
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
            stored = statements_->hold.run(as_integer(sequence), record.id, record.team.value, record.key.value,
                                           record.user, record.target, core::to_string(record.zone),
                                           record.amount.value, std::int64_t{record.day}, hold.time);
        else if (hold.changed) stored = statements_->hold_amount.run(record.amount.value, as_integer(sequence));
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
        auto stored = statements_->usage.run(std::int64_t{day}, team, key_id, target, sum.requests, sum.prompt,
                                             sum.completion, sum.cached, sum.charge.value, sum.estimated);
        if (!stored) return stored;
    }
    usage_.clear();
    return {};
}

}  // namespace sluice::policies
