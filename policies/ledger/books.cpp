#include "policies/ledger/books.hpp"

#include "policies/ledger/books_schema.hpp"

#include <utility>

namespace sluice::policies {

namespace {

using core::Errc;
using core::Error;
using core::Result;

constexpr std::int64_t kTailRecords = 20'000;  // of the chain, checked at every start; verify() checks all of it

}  // namespace

Books::Books(Database database, std::unique_ptr<BookRows> rows, BookStatements statements)
    : database_(std::move(database)), rows_(std::move(rows)), statements_(std::move(statements)) {}

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
    auto rows = BookRows::in(*database);
    if (!rows) return rows.error();
    auto statements = BookStatements::prepare(*database);
    if (!statements) return statements.error();
    std::unique_ptr<Books> books{new Books{std::move(*database), std::move(*rows), std::move(*statements)}};
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
// the journal's writes wait in the same queue. Every row follows from a record, in this file alone: SQLite's own look for the
// row it refers to, six times a request, is left to verify().
Result<void> Books::rely_on_journal() {
    return database_.execute("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 16384; PRAGMA foreign_keys = OFF");
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

}  // namespace sluice::policies
