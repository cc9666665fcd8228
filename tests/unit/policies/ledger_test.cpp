#include "policies/ledger/books.hpp"
#include "policies/ledger/clock.hpp"
#include "tests/unit/policies/ledger_support.hpp"

#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <random>
#include <thread>

namespace sluice::policies::test {
namespace {

using core::Errc;
using ::testing::HasSubstr;

class LedgerTest : public ::testing::TestWithParam<LedgerDurability> {
protected:
    DurableLedgerConfig config() {
        auto made = config_in(directory_.path(), GetParam());
        made.clock = clock_.clock();
        return made;
    }
    std::vector<AuditRow> audit() {
        auto reader = LedgerReader::open(directory_.path());
        return reader ? *reader->audit({.team = std::nullopt, .limit = 1000}) : std::vector<AuditRow>{};
    }

    TemporaryDirectory directory_;
    ManualClock clock_;
};

INSTANTIATE_TEST_SUITE_P(Durability, LedgerTest, ::testing::Values(LedgerDurability::Strict, LedgerDurability::Relaxed),
                         [](const auto& instance) {
                             return instance.param == LedgerDurability::Strict ? "Strict" : "Relaxed";
                         });

constexpr const char* kTarget = "openai/gpt-with-a-name-that-does-not-fit-into-a-short-string";

core::awaitable<core::Result<void>> hold_and_settle(Ledger& ledger, CallerPtr caller, std::string id,
                                                    std::int64_t amount, std::int64_t charge) {
    HoldRequest wanted{
        .id = id, .caller = caller, .amount = nano(amount), .target = kTarget, .zone = core::Zone::Cloud};
    auto hold = co_await ledger.hold(std::move(wanted));
    if (!hold) co_return hold.error();
    ledger.sent(*hold);
    hold->note(nano(charge));
    Settlement paid{.charge = nano(charge),
                    .usage = {.prompt = 100, .completion = 7, .cached = 3},
                    .target = kTarget,
                    .zone = core::Zone::Cloud,
                    .decision_json = R"({"id":")" + id + R"(","more":"than a short string"})",
                    .estimated = false};
    co_return co_await ledger.settle(std::move(*hold), std::move(paid));
}

TEST_P(LedgerTest, ASettledHoldIsOneEntryWithTheReportedUsage) {
    auto ledger = open_ledger(config());
    const auto caller = make_caller(3, 9);
    ASSERT_TRUE(run(hold_and_settle(*ledger, caller, "dec_one", 1000, 420)));
    ASSERT_TRUE(ledger->shutdown());
    const auto rows = audit();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].id, "dec_one");
    EXPECT_EQ(rows[0].charge, nano(420));
    EXPECT_EQ(rows[0].settled_by, "usage");
    EXPECT_EQ(rows[0].team.value, 3);
    EXPECT_EQ(rows[0].key.value, 9);
    EXPECT_EQ(rows[0].unix_nanoseconds, kNoon);
    EXPECT_THAT(rows[0].decision_json, HasSubstr("dec_one"));
    ledger.reset();
    EXPECT_EQ(verified(directory_.path()).charged, nano(420));
}

TEST_P(LedgerTest, OnlyWhatNeedNotBeWaitedForIsDoneAtOnce) {
    auto ledger = open_ledger(config());
    const auto caller = make_caller(3, 9, {.daily = nano(1500)});
    HoldRequest wanted{.id = "dec_one", .caller = caller, .amount = nano(1000), .target = kTarget};
    auto hold = ledger->hold_at_once(wanted);
    const bool at_once = hold.has_value();
    EXPECT_EQ(at_once, GetParam() == LedgerDurability::Relaxed);
    if (!hold) {
        EXPECT_EQ(wanted.id, "dec_one") << "the request is as it was";
        hold.emplace(run(ledger->hold(std::move(wanted))));
    }
    ASSERT_TRUE(*hold);
    HoldRequest more{.id = "dec_two", .caller = caller, .amount = nano(1000), .target = kTarget};
    const auto refused = ledger->hold_at_once(more);
    EXPECT_EQ(refused.has_value(), at_once);
    if (refused) {
        EXPECT_EQ(refused->error().code, Errc::BudgetExceeded);
    }

    Settlement paid{.charge = nano(420), .usage = {.prompt = 1}, .target = kTarget, .decision_json = "{}"};
    const auto settled = ledger->settle_at_once(**hold, paid);
    EXPECT_EQ(settled.has_value(), at_once);
    EXPECT_EQ((*hold)->open(), !at_once);
    const auto result = settled ? *settled : run(ledger->settle(std::move(**hold), std::move(paid)));
    EXPECT_TRUE(result);
    ASSERT_TRUE(ledger->shutdown());
    ASSERT_EQ(audit().size(), 1U);
    EXPECT_EQ(audit()[0].charge, nano(420));
}

TEST_P(LedgerTest, AChargeIsClampedToTheHold) {
    auto ledger = open_ledger(config());
    const auto caller = make_caller(1, 1);
    ASSERT_TRUE(run(hold_and_settle(*ledger, caller, "above", 1000, INT64_MAX)));
    ASSERT_TRUE(run(hold_and_settle(*ledger, caller, "below", 1000, -5)));
    ledger.reset();
    const auto rows = audit();
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[1].charge, nano(1000));
    EXPECT_EQ(rows[0].charge, nano(0));
}

TEST_P(LedgerTest, ACapRefusesAndSaysWhichOneAndUntilWhen) {
    auto ledger = open_ledger(config());
    const auto caller = make_caller(1, 1, {.daily = nano(2'000'000'000), .monthly = {}});
    ASSERT_TRUE(run(hold_and_settle(*ledger, caller, "first", 1'500'000'000, 1'000'000'000)));
    auto open = run(ledger->hold(request("second", caller, 400'000'000)));
    ASSERT_TRUE(open);
    const auto refused = run(ledger->hold(request("third", caller, 600'000'001)));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::BudgetExceeded);
    EXPECT_EQ(
        refused.error().detail,
        "daily budget of this team: cap 2.00 USD, spent 1.00, open holds 0.40, this request may cost 0.600000001; "
        "resets 2026-11-25T00:00:00Z");
    EXPECT_TRUE(run(ledger->hold(request("fits", caller, 600'000'000))));
}

TEST_P(LedgerTest, EveryScopeIsCheckedAndARefusalReservesNothing) {
    auto ledger = open_ledger(config());
    const core::Caps small{.daily = {}, .monthly = nano(100)};
    const auto team_monthly = run(ledger->hold(request("a", make_caller(1, 1, small), 101)));
    const auto key_monthly = run(ledger->hold(request("b", make_caller(2, 2, {}, small), 101)));
    const auto key_daily = run(ledger->hold(request("c", make_caller(3, 3, {}, {.daily = nano(1), .monthly = {}}), 2)));
    ASSERT_FALSE(team_monthly);
    ASSERT_FALSE(key_monthly);
    ASSERT_FALSE(key_daily);
    EXPECT_THAT(team_monthly.error().detail, HasSubstr("monthly budget of this team"));
    EXPECT_THAT(team_monthly.error().detail, HasSubstr("resets 2026-12-01T00:00:00Z"));
    EXPECT_THAT(key_monthly.error().detail, HasSubstr("monthly budget of this key"));
    EXPECT_THAT(key_daily.error().detail, HasSubstr("daily budget of this key"));
    EXPECT_EQ(ledger->stats().open_holds, nano(0));
    EXPECT_EQ(ledger->stats().appended, 0U);
}

TEST_P(LedgerTest, AnExtensionIsCheckedLikeAHold) {
    auto ledger = open_ledger(config());
    const auto caller = make_caller(1, 1, {.daily = nano(1000), .monthly = {}});
    auto hold = run(ledger->hold(request("h", caller, 600)));
    ASSERT_TRUE(hold);
    EXPECT_FALSE(run(ledger->extend(*hold, nano(401))));
    EXPECT_EQ(hold->amount(), nano(600));
    EXPECT_TRUE(run(ledger->extend(*hold, nano(400))));
    EXPECT_EQ(hold->amount(), nano(1000));
    EXPECT_TRUE(run(ledger->settle(std::move(*hold), settlement(1000))));
    ledger.reset();
    EXPECT_EQ(verified(directory_.path()).charged, nano(1000));
}

TEST_P(LedgerTest, AHoldThatIsDroppedSettlesItself) {
    auto ledger = open_ledger(config());
    const auto caller = make_caller(1, 1);
    {
        auto never_sent = run(ledger->hold(request("never_sent", caller, 100)));
        auto sent = run(ledger->hold(request("sent", caller, 100)));
        auto noted = run(ledger->hold(request("noted", caller, 100)));
        ASSERT_TRUE(never_sent && sent && noted);
        ledger->sent(*sent);
        ledger->sent(*noted);
        noted->note(nano(30));
    }
    EXPECT_EQ(ledger->stats().open_holds, nano(0));
    ledger.reset();
    std::map<std::string, std::pair<std::string, std::int64_t>> settled;
    for (const auto& row : audit()) settled[row.id] = {row.settled_by, row.charge.value};
    EXPECT_EQ(settled["never_sent"], std::make_pair(std::string{"void"}, std::int64_t{0}));
    EXPECT_EQ(settled["sent"], std::make_pair(std::string{"estimate"}, std::int64_t{100}));
    EXPECT_EQ(settled["noted"], std::make_pair(std::string{"estimate"}, std::int64_t{30}));
}

TEST_P(LedgerTest, SpendSurvivesARestart) {
    const auto caller = make_caller(1, 1, {.daily = nano(1000), .monthly = {}});
    {
        auto ledger = open_ledger(config());
        ASSERT_TRUE(run(hold_and_settle(*ledger, caller, "before", 900, 900)));
    }
    auto ledger = open_ledger(config());
    EXPECT_FALSE(run(ledger->hold(request("too much", caller, 101))));
    EXPECT_TRUE(run(ledger->hold(request("fits", caller, 100))));
}

TEST_P(LedgerTest, AHoldLeftOpenIsChargedInFullAtTheNextStart) {
    const auto caller = make_caller(1, 1, {.daily = nano(1000), .monthly = {}});
    std::optional<Hold> kept;
    {
        auto ledger = open_ledger(config());
        auto hold = run(ledger->hold(request("dec_lost", caller, 700)));
        ASSERT_TRUE(hold);
        ASSERT_TRUE(run(ledger->extend(*hold, nano(50))));
        ASSERT_TRUE(ledger->shutdown());
        hold->close();  // as if the process had died
    }
    auto ledger = open_ledger(config());
    EXPECT_EQ(ledger->stats().recovered_holds, 1U);
    EXPECT_FALSE(run(ledger->hold(request("too much", caller, 251))));
    EXPECT_THAT(ledger->find_decision("dec_lost", caller->team).value_or(""), HasSubstr("recovery"));
    ledger.reset();
    const auto rows = audit();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].settled_by, "recovery");
    EXPECT_EQ(rows[0].charge, nano(750));
    verified(directory_.path());
}

TEST_P(LedgerTest, ADecisionIsFoundByItsTeamOnlyFromMemoryAndFromDisk) {
    auto small = config();
    small.recent_bytes = 6000;
    auto ledger = open_ledger(small);
    const auto caller = make_caller(1, 1);
    for (int i = 0; i < 200; ++i)
        ASSERT_TRUE(run(ledger->record("dec_" + std::to_string(i), caller, R"({"number":)" + std::to_string(i) + "}")));
    for (int i = 0; i < 200; ++i)
        ASSERT_EQ(ledger->find_decision("dec_" + std::to_string(i), {1}), R"({"number":)" + std::to_string(i) + "}")
            << i;
    EXPECT_EQ(ledger->find_decision("dec_1", {2}), std::nullopt);
    EXPECT_EQ(ledger->find_decision("dec_200", {1}), std::nullopt);
    ASSERT_TRUE(ledger->shutdown());
    EXPECT_EQ(ledger->find_decision("dec_0", {1}), R"({"number":0})");
    EXPECT_EQ(ledger->find_decision("dec_0", {2}), std::nullopt);
}

TEST_P(LedgerTest, AnIdUsedTwiceLosesNeitherRecordNorMoney) {
    auto ledger = open_ledger(config());
    const auto caller = make_caller(1, 1);
    ASSERT_TRUE(run(hold_and_settle(*ledger, caller, "same", 10, 10)));
    ASSERT_TRUE(run(hold_and_settle(*ledger, caller, "same", 20, 20)));
    ledger.reset();
    EXPECT_EQ(verified(directory_.path()).charged, nano(30));
    EXPECT_EQ(audit()[0].id, "same#4");
}

TEST_P(LedgerTest, AfterShutdownHoldsAreRefusedAndReadsGoOn) {
    auto ledger = open_ledger(config());
    const auto caller = make_caller(1, 1);
    ASSERT_TRUE(run(ledger->record("dec", caller, "{}")));
    ASSERT_TRUE(ledger->shutdown());
    ASSERT_TRUE(ledger->shutdown());
    const auto refused = run(ledger->hold(request("late", caller, 1)));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::Unavailable);
    EXPECT_FALSE(ledger->writable());
    EXPECT_EQ(ledger->find_decision("dec", {1}), "{}");
}

TEST_P(LedgerTest, TheClockGoingBackNeitherResetsNorSkipsAWindow) {
    auto ledger = open_ledger(config());
    const auto caller = make_caller(1, 1, {.daily = nano(100), .monthly = {}});
    ASSERT_TRUE(run(hold_and_settle(*ledger, caller, "today", 100, 100)));
    clock_.advance(kOneDay);
    ASSERT_TRUE(run(hold_and_settle(*ledger, caller, "tomorrow", 60, 60)));
    clock_.advance(-kOneDay);
    EXPECT_FALSE(run(ledger->hold(request("today again", caller, 1))));
    clock_.advance(kOneDay);
    EXPECT_FALSE(run(ledger->hold(request("tomorrow again", caller, 41))));
    // The same after a restart in the past.
    ledger.reset();
    clock_.advance(-kOneDay);
    ledger = open_ledger(config());
    EXPECT_FALSE(run(ledger->hold(request("today, restarted", caller, 1))));
    clock_.advance(kOneDay);
    EXPECT_FALSE(run(ledger->hold(request("tomorrow, restarted", caller, 41))));
    EXPECT_TRUE(run(ledger->hold(request("what is left", caller, 40))));
    clock_.advance(-400 * kOneDay);
    EXPECT_EQ(run(ledger->hold(request("long ago", caller, 1))).error().code, Errc::Unavailable);
}

TEST_P(LedgerTest, AHoldOverMidnightCountsForTheDayItWasMade) {
    auto ledger = open_ledger(config());
    const auto caller = make_caller(1, 1, {.daily = nano(100), .monthly = nano(150)});
    auto hold = run(ledger->hold(request("late", caller, 80)));
    ASSERT_TRUE(hold);
    clock_.advance(kOneDay);
    ASSERT_TRUE(run(ledger->settle(std::move(*hold), settlement(80))));
    EXPECT_FALSE(run(ledger->hold(request("over the month", caller, 71))));
    EXPECT_TRUE(run(ledger->hold(request("new day", caller, 70))));
    clock_.advance(-kOneDay);
    EXPECT_FALSE(run(ledger->hold(request("over the day", caller, 21))));
}

// Amounts are integers, so the expectation is exact: many loops and coroutines, random interleavings, and at no moment
// is spend + open holds above the cap.
core::awaitable<void> spend_randomly(Ledger& ledger, CallerPtr caller, std::uint32_t seed, std::string name,
                                     std::atomic<std::int64_t>& charged, std::atomic<int>& refused) {
    std::mt19937 random{seed};
    for (int i = 0; i < 20; ++i) {
        const std::int64_t amount = 1 + static_cast<std::int64_t>(random() % 1000);
        auto hold = co_await ledger.hold(request(name + "." + std::to_string(i), caller, amount));
        if (!hold) {
            EXPECT_EQ(hold.error().code, Errc::BudgetExceeded) << hold.error().detail;
            ++refused;
            continue;
        }
        std::int64_t held = amount;
        if (random() % 4 == 0) {
            const auto more = co_await ledger.extend(*hold, nano(50));
            if (more) held += 50;
        }
        const std::int64_t charge = static_cast<std::int64_t>(random() % static_cast<std::uint32_t>(held + 1));
        if (random() % 5 == 0) {
            hold->note(nano(charge));  // dropped: settles itself
        } else {
            const auto settled = co_await ledger.settle(std::move(*hold), settlement(charge, name));
            EXPECT_TRUE(settled);
        }
        charged += charge;
    }
}

TEST_P(LedgerTest, NoInterleavingPassesACap) {
    constexpr std::int64_t kCap = 200'000;
    const auto caller = make_caller(1, 1, {.daily = nano(kCap), .monthly = {}});
    std::atomic<std::int64_t> charged = 0;
    std::atomic<int> refused = 0;
    {
        std::array<core::net::io_context, 8> contexts{};  // outlive the ledger's thread, as those of a gateway do
        auto ledger = open_ledger(config());
        std::atomic<bool> done = false;
        std::thread watcher{[&] {
            while (!done) EXPECT_LE(ledger->stats().open_holds, nano(kCap));
        }};
        std::vector<std::thread> loops;
        for (std::uint32_t loop = 0; loop < 8; ++loop) {
            loops.emplace_back([&, loop] {
                auto& context = contexts[loop];
                for (std::uint32_t i = 0; i < 25; ++i)
                    core::net::co_spawn(
                        context,
                        spend_randomly(*ledger, caller, loop * 100 + i, std::to_string(loop) + "-" + std::to_string(i),
                                       charged, refused),
                        core::net::detached);
                context.run();
            });
        }
        for (auto& loop : loops) loop.join();
        done = true;
        watcher.join();
        EXPECT_EQ(ledger->stats().open_holds, nano(0));
        EXPECT_GT(refused.load(), 0);
        // Exactly the rest of the cap is left.
        EXPECT_LE(charged.load(), kCap);
        EXPECT_FALSE(run(ledger->hold(request("above", caller, kCap - charged + 1))));
        EXPECT_TRUE(run(ledger->hold(request("exactly", caller, kCap - charged))));
    }
    EXPECT_EQ(verified(directory_.path()).charged, nano(charged));
}

TEST_P(LedgerTest, RelaxingOrLiftingACapTakesEffectWithTheNextHold) {
    auto ledger = open_ledger(config());
    EXPECT_FALSE(run(ledger->hold(request("a", make_caller(1, 1, {.daily = nano(10), .monthly = {}}), 11))));
    EXPECT_TRUE(run(ledger->hold(request("b", make_caller(1, 1, {.daily = nano(11), .monthly = {}}), 11))));
    EXPECT_TRUE(run(ledger->hold(request("c", make_caller(1, 1), 1'000'000))));
}

TEST_P(LedgerTest, AmountsBeyondCountingAreRefusedEvenWithoutACap) {
    auto ledger = open_ledger(config());
    const auto caller = make_caller(1, 1);
    auto most = run(ledger->hold(request("most", caller, INT64_MAX - 1)));
    ASSERT_TRUE(most);
    EXPECT_FALSE(run(ledger->hold(request("more", caller, 5))));
    EXPECT_FALSE(run(ledger->hold(request("negative", caller, -1))));
}

TEST(LedgerDirectoryTest, OnlyOneProcessOwnsIt) {
    TemporaryDirectory directory;
    auto ledger = open_ledger(config_in(directory.path()));
    const auto second = DurableLedger::open(config_in(directory.path()));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::Unavailable);
    EXPECT_THAT(second.error().detail, HasSubstr("in use by another process"));
    EXPECT_EQ(*apply_pending(directory.path()), false);
    ledger.reset();
    EXPECT_EQ(*apply_pending(directory.path()), true);
}

// A power cut may take whatever SQLite has not synced. A copy of the file without its log stands for what such a cut leaves.
TEST(LedgerBooksTest, WhatWasMadeDurableIsInTheFileItself) {
    TemporaryDirectory directory;
    auto opened = Books::open(directory.path());
    ASSERT_TRUE(opened) << describe(opened.error());
    Books& books = **opened;
    ASSERT_TRUE(books.rely_on_journal());
    const auto applied_after_a_cut = [&]() -> std::uint64_t {
        TemporaryDirectory copy;
        std::filesystem::copy_file(Books::path_in(directory.path()), Books::path_in(copy.path()));
        const auto left = Books::open(copy.path());
        return left ? (*left)->applied() : 0;
    };
    std::uint64_t sequence = 0;
    for (const auto pace : {Books::Pace::Full, Books::Pace::Gentle, Books::Pace::Gentle}) {
        std::string payload;
        encode(DecisionRecord{.id = "dec_" + std::to_string(sequence), .team = {1}, .key = {1}, .decision_json = "{}"}, payload);
        const auto before = sequence++;
        ASSERT_TRUE(books.begin());
        ASSERT_TRUE(books.add({.type = RecordType::Decision, .sequence = sequence, .time = kNoon, .payload = payload}));
        ASSERT_TRUE(books.commit());
        EXPECT_EQ(applied_after_a_cut(), before);  // until then it is the journal that has it
        const auto durable = books.make_durable(pace);
        ASSERT_TRUE(durable && *durable);
        EXPECT_EQ(applied_after_a_cut(), sequence);
    }
}

// That it is on disk cannot be seen from here, that a file it cannot have is not taken for synced can.
TEST(GentleSyncTest, SaysWhichFileItCannotSync) {
    TemporaryDirectory directory;
    const auto missing = GentleSync::open(directory.path() / "ledger.db-wal");
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().detail, HasSubstr("ledger.db-wal: No such file"));
    std::ofstream(directory.path() / "there") << std::string(std::size_t{1} << 20U, 'x');
    const auto there = GentleSync::open(directory.path() / "there");
    ASSERT_TRUE(there && there->run());
}

TEST(LedgerDirectoryTest, FilesArePrivate) {
    TemporaryDirectory directory;
    const auto data = directory.path() / "deep" / "data";
    auto ledger = open_ledger(config_in(data));
    ASSERT_TRUE(run(ledger->record("dec", make_caller(1, 1), "{}")));
    using std::filesystem::perms;
    const auto others = perms::group_all | perms::others_all;
    EXPECT_EQ(std::filesystem::status(data).permissions() & others, perms::none);
    for (const auto& entry : std::filesystem::recursive_directory_iterator{data})
        EXPECT_EQ(std::filesystem::status(entry).permissions() & others, perms::none) << entry.path();
}

TEST(LedgerClockTest, TheCalendarIsUtcAndHoldsForLeapYearsAndBefore1970) {
    EXPECT_EQ(format_utc(kNoon), "2026-11-24T12:00:00Z");
    EXPECT_EQ(day_of(-1), -1);
    EXPECT_EQ(format_day(-1), "1969-12-31");
    EXPECT_EQ(month_of_day(-1), -1);
    for (std::int32_t day = -800; day < 40'000; ++day) {
        const auto month = month_of_day(day);
        ASSERT_LE(first_day_of_month(month), day);
        ASSERT_GT(first_day_of_month(month + 1), day);
        ASSERT_EQ(day_of(start_of_day(day)), day);
    }
    EXPECT_EQ(format_day(first_day_of_month(month_of_day(day_of(kNoon)) + 4) - 1), "2027-02-28");
    EXPECT_EQ(format_day(19'782), "2024-02-29");
}

}  // namespace
}  // namespace sluice::policies::test
