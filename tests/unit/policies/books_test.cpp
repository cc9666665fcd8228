// The books store many rows with one statement. Whether a transaction has one record or hundreds, the tables are the
// same.
#include "policies/ledger/books.hpp"

#include "policies/ledger/books_verify.hpp"
#include "tests/unit/policies/ledger_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace sluice::policies::test {
namespace {

using ::testing::HasSubstr;

struct Written {
    RecordType type;
    std::string payload;
};

// Holds, extensions, settlements in any order and decisions, some under an id that was used before; some holds stay
// open.
std::vector<Written> some_records(std::uint32_t seed, std::size_t count) {
    std::mt19937 generator{seed};
    const auto random = [&] { return static_cast<std::int64_t>(generator()); };
    std::vector<std::pair<std::uint64_t, std::int64_t>> open;  // sequence and amount
    std::vector<Written> records;
    const auto id = [&] { return "dec_" + std::to_string(random() % static_cast<std::int64_t>(count)); };
    while (records.size() < count) {
        Written& record = records.emplace_back();
        const auto choice = random() % 8;
        if (choice < 3 || (choice < 7 && open.empty())) {
            const auto amount = random() % 1000;
            record.type = RecordType::Hold;
            encode(HoldRecord{.id = id(),
                              .team = {1 + random() % 2},
                              .key = {1 + random() % 3},
                              .user = random() % 2 == 0 ? "" : "someone",
                              .target = "cloud/m" + std::to_string(random() % 3),
                              .amount = {amount},
                              .day = 20'000 + static_cast<int>(random() % 2)},
                   record.payload);
            open.emplace_back(records.size(), amount);
        } else if (choice == 3) {
            auto& [sequence, amount] = open[static_cast<std::size_t>(random()) % open.size()];
            record.type = RecordType::Extend;
            encode(ExtendRecord{.hold = sequence, .more = {7}}, record.payload);
            amount += 7;
        } else if (choice < 7) {
            const auto at = random() % static_cast<std::ptrdiff_t>(open.size());
            const auto [sequence, amount] = open[static_cast<std::size_t>(at)];
            open.erase(open.begin() + at);
            const auto charge = random() % 4 == 0 ? 0 : amount / 2;
            record.type = RecordType::Settle;
            encode(SettleRecord{.hold = sequence,
                                .settled_by = charge == 0 ? SettledBy::Void : SettledBy::Usage,
                                .charge = {charge},
                                .usage = {.prompt = 5, .completion = 6, .cached = 1},
                                .target = random() % 2 == 0 ? "" : "cloud/other",
                                .price_version = "v1",
                                .decision_json = std::string(static_cast<std::size_t>(random() % 3000), 'x')},
                   record.payload);
        } else {
            record.type = RecordType::Decision;
            encode(DecisionRecord{.id = id(), .team = {1}, .key = {2}, .decision_json = "{}"}, record.payload);
        }
    }
    return records;
}

std::string dump(Database& database, Sql query) {
    auto rows = database.prepare(query);
    std::string all;
    while (rows && *rows->step()) all += rows->text(0) + "\n";
    return all;
}

// Every table but `records`, whose rows the chain head stands for.
std::string tables_of(Database& database) {
    return dump(database,
                "SELECT concat_row FROM (SELECT sequence||'|'||id||'|'||team||'|'||key||'|'||time AS concat_row FROM "
                "decisions ORDER BY sequence)") +
           dump(
               database,
               "SELECT sequence||'|'||id||'|'||amount||'|'||day||'|'||user||'|'||target FROM holds ORDER BY sequence") +
           dump(database,
                "SELECT "
                "sequence||'|'||id||'|'||team||'|'||key||'|'||user||'|'||target||'|'||zone||'|'||price_version||'|'||"
                "prompt_tokens||'|'||"
                "completion_tokens||'|'||cached_tokens||'|'||hold||'|'||charge||'|'||estimated||'|'||settled_by||'|'||"
                "held_at||'|'||time||'|'||day"
                "||'|'||month FROM ledger_entries ORDER BY sequence") +
           dump(database,
                "SELECT entry||'|'||name||'|'||amount FROM postings JOIN accounts ON accounts.id = account ORDER BY "
                "entry, name") +
           dump(
               database,
               "SELECT day||'|'||team||'|'||key||'|'||target||'|'||requests||'|'||charge FROM usage_by_day ORDER BY 1");
}

struct Kept {
    std::string tables;
    std::string chain_head;
    std::uint64_t duplicate_ids;
};

// What the tables hold when so many records make a transaction.
Kept keep(const std::vector<Written>& records, std::size_t per_transaction) {
    TemporaryDirectory directory;
    auto opened = Books::open(directory.path());
    EXPECT_TRUE(opened && (*opened)->rely_on_journal());
    Books& books = **opened;
    for (std::size_t at = 0; at < records.size();) {
        EXPECT_TRUE(books.begin());
        for (std::size_t in = 0; in < per_transaction && at < records.size(); ++in, ++at) {
            const auto added = books.add({.type = records[at].type,
                                          .sequence = at + 1,
                                          .time = kNoon + static_cast<std::int64_t>(at),
                                          .payload = records[at].payload});
            EXPECT_TRUE(added) << describe(added.error());
        }
        const auto committed = books.commit();
        EXPECT_TRUE(committed) << describe(committed.error());
    }
    auto database = Database::open(Books::path_in(directory.path()), Database::Access::ReadOnly);
    const auto report = verify_books(*database);
    EXPECT_TRUE(report) << describe(report.error());
    return {tables_of(*database), core::to_hex(books.chain_head()), books.duplicate_ids()};
}

TEST(BooksTest, ManyRecordsInOneTransactionGiveTheTablesThatOneByOneGives) {
    for (const std::uint32_t seed : {1U, 2U, 3U}) {
        const auto records = some_records(seed, 300);
        const Kept alone = keep(records, 1);
        EXPECT_THAT(alone.tables, HasSubstr("#"));  // an id that came twice
        EXPECT_THAT(alone.duplicate_ids, ::testing::Gt(10U));
        for (const std::size_t per_transaction : {7U, 33U, 300U}) {
            const Kept together = keep(records, per_transaction);
            EXPECT_EQ(together.tables, alone.tables) << per_transaction;
            EXPECT_EQ(together.chain_head, alone.chain_head);
            EXPECT_EQ(together.duplicate_ids, alone.duplicate_ids);
        }
    }
}

TEST(BooksTest, ARecordThatCannotBeAppliedIsNamed) {
    TemporaryDirectory directory;
    auto opened = Books::open(directory.path());
    ASSERT_TRUE(opened);
    std::string payload;
    encode(SettleRecord{.hold = 9}, payload);
    ASSERT_TRUE((*opened)->begin());
    const auto added = (*opened)->add({.type = RecordType::Settle, .sequence = 1, .time = kNoon, .payload = payload});
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().detail, "ledger record 1 settles a hold that is not open");
}

}  // namespace
}  // namespace sluice::policies::test
