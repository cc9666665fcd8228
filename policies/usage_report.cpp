#include "policies/usage_report.hpp"

#include "policies/ledger/books.hpp"
#include "policies/ledger/books_verify.hpp"
#include "policies/ledger/clock.hpp"
#include "policies/ledger/ledger_directory.hpp"

#include <algorithm>
#include <map>

namespace sluice::policies {

namespace {

using core::Errc;
using core::Error;
using core::Result;

std::map<std::int64_t, std::string> team_names(const std::filesystem::path& directory) {
    std::map<std::int64_t, std::string> names;
    const auto database = Database::open(directory / "identity.db", Database::Access::ReadOnly);
    if (!database) return names;
    auto rows = database->prepare("SELECT id, name FROM teams");
    if (!rows) return names;
    for (auto row = rows->step(); row && *row; row = rows->step()) names.emplace(rows->integer(0), rows->text(1));
    return names;
}

AuditRow audit_row(const Statement& row) {
    AuditRow audit{.sequence = static_cast<std::uint64_t>(row.integer(0)),
                   .id = row.text(1),
                   .unix_nanoseconds = row.integer(2),
                   .team = {row.integer(3)},
                   .key = {row.integer(4)},
                   .settled_by = row.text(7),
                   .target = row.text(8),
                   .charge = {row.integer(9)},
                   .decision_json = {}};
    const auto payload = row.blob(6);
    if (row.integer(5) == static_cast<int>(RecordType::Settle)) {
        if (auto settle = decode_settle(payload)) audit.decision_json = std::move(settle->decision_json);
    } else if (auto decision = decode_decision(payload)) {
        audit.decision_json = std::move(decision->decision_json);
    }
    return audit;
}

Result<std::vector<AuditRow>> audit_rows(Statement& statement) {
    std::vector<AuditRow> rows;
    for (;;) {
        const auto row = statement.step();
        if (!row) return row.error();
        if (!*row) return rows;
        rows.push_back(audit_row(statement));
    }
}

}  // namespace

struct LedgerReader::State {
    Database database;
    std::map<std::int64_t, std::string> teams;
};

LedgerReader::LedgerReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
LedgerReader::LedgerReader(LedgerReader&&) noexcept = default;
LedgerReader& LedgerReader::operator=(LedgerReader&&) noexcept = default;
LedgerReader::~LedgerReader() = default;

Result<bool> apply_pending(const std::filesystem::path& directory) {
    if (!std::filesystem::exists(Books::path_in(directory)))
        return Error{Errc::NotFound, "there is no ledger in " + directory.string()};
    const auto lock = DirectoryLock::take(directory);
    if (!lock) return false;
    const auto books = open_books_up_to_date(directory);
    if (!books) return books.error();
    return true;
}

Result<LedgerReader> LedgerReader::open(const std::filesystem::path& directory) {
    if (const auto applied = apply_pending(directory); !applied) return applied.error();
    auto database = Database::open(Books::path_in(directory), Database::Access::ReadOnly);
    if (!database) return database.error();
    return LedgerReader{std::make_unique<State>(State{std::move(*database), team_names(directory)})};
}

Result<std::vector<UsageRow>> LedgerReader::usage(UsageBy by, const UsageFilter& filter) const {
    // ?1 chooses the column to group by; the other parameters are the filter.
    auto statement = state_->database.prepare(
        "SELECT CASE ?1 WHEN 0 THEN team WHEN 1 THEN target ELSE day END AS name, sum(requests), sum(prompt_tokens),"
        " sum(completion_tokens), sum(cached_tokens), sum(charge) AS cost, sum(estimated) FROM usage_by_day"
        " WHERE (?2 IS NULL OR team = ?2) AND day >= coalesce(?3, day) AND day <= coalesce(?4, day) GROUP BY name"
        " HAVING sum(requests) > 0 ORDER BY CASE ?1 WHEN 2 THEN name ELSE -cost END, name");
    if (!statement) return statement.error();
    const std::optional<std::int64_t> team = filter.team ? std::optional{filter.team->value} : std::nullopt;
    const std::optional<std::int64_t> first = filter.first_day;
    const std::optional<std::int64_t> last = filter.last_day;
    const std::int64_t column = by == UsageBy::Team ? 0 : by == UsageBy::Model ? 1 : 2;
    statement->bind(column, team, first, last);
    std::vector<UsageRow> rows;
    for (;;) {
        const auto row = statement->step();
        if (!row) return row.error();
        if (!*row) return rows;
        UsageRow usage{.name = statement->text(0),
                       .requests = statement->integer(1),
                       .prompt_tokens = statement->integer(2),
                       .completion_tokens = statement->integer(3),
                       .cached_tokens = statement->integer(4),
                       .cost = {statement->integer(5)},
                       .estimated = statement->integer(6)};
        if (by == UsageBy::Day) usage.name = format_day(static_cast<std::int32_t>(statement->integer(0)));
        if (by == UsageBy::Team) {
            const auto name = state_->teams.find(statement->integer(0));
            usage.name = name != state_->teams.end() ? name->second : "team " + usage.name;
        }
        rows.push_back(std::move(usage));
    }
}

Result<std::vector<AuditRow>> LedgerReader::audit(const AuditFilter& filter) const {
    auto statement = state_->database.prepare(
        "SELECT d.sequence, d.id, d.time, d.team, d.key, r.type, r.payload, coalesce(e.settled_by, ''), "
        "coalesce(e.target, ''),"
        " coalesce(e.charge, 0) FROM decisions d JOIN records r ON r.sequence = d.sequence"
        " LEFT JOIN ledger_entries e ON e.sequence = d.sequence"
        " WHERE (?1 IS NULL OR d.team = ?1) ORDER BY d.sequence DESC LIMIT ?2");
    if (!statement) return statement.error();
    const std::optional<std::int64_t> team = filter.team ? std::optional{filter.team->value} : std::nullopt;
    statement->bind(team, std::max<std::int64_t>(filter.limit, 0));
    return audit_rows(*statement);
}

Result<std::optional<AuditRow>> LedgerReader::decision(const std::string& id) const {
    auto statement = state_->database.prepare(
        "SELECT d.sequence, d.id, d.time, d.team, d.key, r.type, r.payload, coalesce(e.settled_by, ''), "
        "coalesce(e.target, ''),"
        " coalesce(e.charge, 0) FROM decisions d JOIN records r ON r.sequence = d.sequence"
        " LEFT JOIN ledger_entries e ON e.sequence = d.sequence WHERE d.id = ?1");
    if (!statement) return statement.error();
    statement->bind(id);
    auto rows = audit_rows(*statement);
    if (!rows) return rows.error();
    if (rows->empty()) return std::optional<AuditRow>{};
    return std::optional{std::move(rows->front())};
}

Result<VerifyReport> LedgerReader::verify() const {
    return verify_books(state_->database);
}

}  // namespace sluice::policies
