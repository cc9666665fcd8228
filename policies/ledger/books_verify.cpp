#include "policies/ledger/books_verify.hpp"

#include "policies/ledger/records.hpp"

#include <unordered_map>

namespace sluice::policies {

namespace {

using core::Errc;
using core::Error;
using core::Result;

// Walks `records` and, in step, what was derived from them: both are in order of sequence.
class Walk {
public:
    static Result<Walk> over(Database& database);
    Result<VerifyReport> run();

private:
    Walk(Statement records, Statement decisions, Statement entries)
        : records_(std::move(records)), decisions_(std::move(decisions)), entries_(std::move(entries)) {}
    Result<void> check(const Record& record);
    Result<void> check_settle(const Record& record);
    Result<void> check_decision(std::uint64_t sequence, const std::string& id, core::TeamId team);

    Statement records_;
    Statement decisions_;
    Statement entries_;
    core::Digest chain_{};
    VerifyReport report_;
    struct Held {
        std::string id;
        core::TeamId team;
        core::KeyId key;
        core::NanoUsd amount;
        std::int32_t day;
    };
    std::unordered_map<std::uint64_t, Held> holds_;
};

Result<Walk> Walk::over(Database& database) {
    auto records = database.prepare("SELECT sequence, time, type, payload, hash FROM records ORDER BY sequence");
    auto decisions = database.prepare("SELECT sequence, id, team FROM decisions ORDER BY sequence");
    auto entries =
        database.prepare("SELECT sequence, id, team, key, hold, charge, day FROM ledger_entries ORDER BY sequence");
    for (const auto* made : {&records, &decisions, &entries})
        if (!*made) return made->error();
    return Walk{std::move(*records), std::move(*decisions), std::move(*entries)};
}

Result<VerifyReport> Walk::run() {
    for (;;) {
        const auto row = records_.step();
        if (!row) return bad_record(report_.records + 1, "cannot be read");
        if (!*row) break;
        const Record record{.type = static_cast<RecordType>(records_.integer(2)),
                            .sequence = static_cast<std::uint64_t>(records_.integer(0)),
                            .time = records_.integer(1),
                            .payload = records_.blob(3)};
        if (record.sequence != report_.records + 1) return bad_record(report_.records + 1, "is missing");
        chain_ = chain_hash(chain_, record);
        if (records_.blob(4) != as_blob(chain_).bytes) return bad_record(record.sequence, "does not match its hash");
        if (auto checked = check(record); !checked) return checked.error();
        ++report_.records;
    }
    for (Statement* derived : {&decisions_, &entries_}) {
        const auto more = derived->step();
        if (!more || *more)
            return bad_record(report_.records + 1, "is missing, although something derived from it is there");
    }
    report_.chain_head = core::to_hex(chain_);
    return report_;
}

Result<void> Walk::check(const Record& record) {
    switch (record.type) {
        case RecordType::Hold:
            if (auto hold = decode_hold(record.payload)) {
                holds_[record.sequence] = {std::move(hold->id), hold->team, hold->key, hold->amount, hold->day};
                return {};
            }
            break;
        case RecordType::Extend:
            if (const auto extend = decode_extend(record.payload); extend && holds_.contains(extend->hold)) {
                auto& amount = holds_[extend->hold].amount;
                amount = amount + extend->more;
                return {};
            }
            break;
        case RecordType::Settle: return check_settle(record);
        case RecordType::Decision:
            if (const auto decision = decode_decision(record.payload))
                return check_decision(record.sequence, decision->id, decision->team);
            break;
    }
    return bad_record(record.sequence, "cannot be decoded");
}

Result<void> Walk::check_settle(const Record& record) {
    const auto settle = decode_settle(record.payload);
    const auto found = settle ? holds_.find(settle->hold) : holds_.end();
    if (found == holds_.end()) return bad_record(record.sequence, "settles no open hold");
    const Held held = std::move(found->second);
    holds_.erase(found);
    if (auto checked = check_decision(record.sequence, held.id, held.team); !checked) return checked;
    const auto row = entries_.step();
    if (!row || !*row || entries_.integer(0) != static_cast<std::int64_t>(record.sequence))
        return bad_record(record.sequence, "has no ledger entry");
    if (entries_.text(1) != decisions_.text(1) || entries_.integer(2) != held.team.value ||
        entries_.integer(3) != held.key.value || entries_.integer(4) != held.amount.value ||
        entries_.integer(5) != settle->charge.value || entries_.integer(6) != held.day)
        return bad_record(record.sequence, "differs from its ledger entry");
    ++report_.entries;
    report_.charged = report_.charged + settle->charge;
    return {};
}

Result<void> Walk::check_decision(std::uint64_t sequence, const std::string& id, core::TeamId team) {
    const auto row = decisions_.step();
    if (!row || !*row || decisions_.integer(0) != static_cast<std::int64_t>(sequence))
        return bad_record(sequence, "has no decision");
    const auto stored = decisions_.text(1);
    const bool same_id = stored == id || stored == id + "#" + std::to_string(sequence);
    if (!same_id || decisions_.integer(2) != team.value) return bad_record(sequence, "differs from its decision");
    return {};
}

Result<void> must_be_zero(const Database& database, Sql sql, const char* what) {
    const auto count = database.query_integer(sql);
    if (!count) return count.error();
    if (*count != 0) return Error{Errc::Corrupt, std::string{"ledger.db: "} + what};
    return {};
}

Result<void> check_references(const Database& database) {
    return must_be_zero(database, "SELECT count(*) FROM pragma_foreign_key_check",
                        "a row belongs to one that is not there");
}

Result<void> check_sums(const Database& database) {
    if (auto zero =
            must_be_zero(database, "SELECT coalesce(sum(amount), 0) FROM postings", "the postings do not sum to zero");
        !zero)
        return zero;
    if (auto zero = must_be_zero(database,
                                 "SELECT count(*) FROM (SELECT e.sequence FROM ledger_entries e LEFT JOIN postings p"
                                 " ON p.entry = e.sequence GROUP BY e.sequence"
                                 " HAVING coalesce(sum(p.amount), 0) <> 0 OR coalesce(max(p.amount), 0) <> e.charge)",
                                 "an entry's postings differ from its charge");
        !zero)
        return zero;
    return must_be_zero(database,
                        "WITH derived AS (SELECT day, team, key, target, sum(settled_by <> 'void') AS requests, "
                        "sum(prompt_tokens) AS prompt,"
                        " sum(completion_tokens) AS completion, sum(cached_tokens) AS cached, sum(charge) AS charge, "
                        "sum(estimated) AS estimated"
                        " FROM ledger_entries GROUP BY day, team, key, target)"
                        " SELECT (SELECT count(*) FROM (SELECT * FROM derived EXCEPT SELECT * FROM usage_by_day))"
                        " + (SELECT count(*) FROM (SELECT * FROM usage_by_day EXCEPT SELECT * FROM derived))",
                        "usage_by_day differs from the ledger entries");
}

}  // namespace

Result<VerifyReport> verify_books(Database& database) {
    // One snapshot for all of it, while a gateway may be writing.
    if (auto begun = database.execute("BEGIN"); !begun) return begun.error();
    auto report = [&]() -> Result<VerifyReport> {
        auto walk = Walk::over(database);
        if (!walk) return walk.error();
        auto walked = walk->run();
        if (!walked) return walked;
        if (auto references = check_references(database); !references) return references.error();
        if (auto sums = check_sums(database); !sums) return sums.error();
        return walked;
    }();
    static_cast<void>(database.execute("ROLLBACK"));
    return report;
}

}  // namespace sluice::policies
