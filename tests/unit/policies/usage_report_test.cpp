#include "policies/usage_report.hpp"

#include "policies/identity/identity_store.hpp"
#include "policies/ledger/clock.hpp"
#include "tests/unit/policies/ledger_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::policies::test {
namespace {

using core::Errc;

class UsageReportTest : public ::testing::Test {
protected:
    void SetUp() override {
        auto store = IdentityStore::open(directory_.path());
        search_ = store->add_team("search")->id;
        auto config = config_in(directory_.path());
        config.clock = clock_.clock();
        auto ledger = open_ledger(config);
        spend(*ledger, "one", search_, "openai/gpt", 500, false);
        spend(*ledger, "two", search_, "deepseek/chat", 20, true);
        clock_.advance(kOneDay);
        spend(*ledger, "three", {77}, "deepseek/chat", 30, false);
        EXPECT_TRUE(run(ledger->hold(request("four", make_caller(77, 1), 100))));  // dropped: void
        EXPECT_TRUE(run(ledger->record("five", make_caller(77, 1), R"({"outcome":"blocked"})")));
    }
    void spend(Ledger& ledger, const std::string& id, core::TeamId team, const std::string& target, std::int64_t charge,
               bool estimated) {
        auto hold = run(ledger.hold(request(id, make_caller(team.value, 1), 1000)));
        ASSERT_TRUE(hold);
        auto paid = settlement(charge, id);
        paid.target = target;
        paid.estimated = estimated;
        ASSERT_TRUE(run(ledger.settle(std::move(*hold), paid)));
    }
    LedgerReader reader() { return std::move(*LedgerReader::open(directory_.path())); }

    TemporaryDirectory directory_;
    ManualClock clock_;
    core::TeamId search_;
};

TEST_F(UsageReportTest, SumsByTeamModelAndDay) {
    const auto teams = *reader().usage(UsageBy::Team);
    ASSERT_EQ(teams.size(), 2U);
    EXPECT_EQ(teams[0].name, "search");
    EXPECT_EQ(teams[0].requests, 2);
    EXPECT_EQ(teams[0].cost, nano(520));
    EXPECT_EQ(teams[0].prompt_tokens, 20);
    EXPECT_EQ(teams[0].completion_tokens, 10);
    EXPECT_EQ(teams[0].estimated, 1);
    EXPECT_EQ(teams[1].name, "team 77");
    EXPECT_EQ(teams[1].requests, 1) << "a void hold is not a request";

    const auto models = *reader().usage(UsageBy::Model);
    ASSERT_EQ(models.size(), 2U);
    EXPECT_EQ(models[0].name, "openai/gpt");
    EXPECT_EQ(models[1].name, "deepseek/chat");
    EXPECT_EQ(models[1].cost, nano(50));

    const auto days = *reader().usage(UsageBy::Day);
    ASSERT_EQ(days.size(), 2U);
    EXPECT_EQ(days[0].name, "2026-11-24");
    EXPECT_EQ(days[1].name, "2026-11-25");
    EXPECT_EQ(days[1].cost, nano(30));
}

TEST_F(UsageReportTest, FiltersByTeamAndDays) {
    const auto day = day_of(kNoon);
    EXPECT_EQ(reader().usage(UsageBy::Model, {.team = search_, .first_day = {}, .last_day = {}})->size(), 2U);
    EXPECT_EQ(reader().usage(UsageBy::Team, {.team = {}, .first_day = day + 1, .last_day = {}})->front().name,
              "team 77");
    EXPECT_EQ(reader().usage(UsageBy::Team, {.team = {}, .first_day = {}, .last_day = day})->front().cost, nano(520));
    EXPECT_TRUE(reader().usage(UsageBy::Team, {.team = {}, .first_day = {}, .last_day = day - 1})->empty());
}

TEST_F(UsageReportTest, TheAuditListIsNewestFirst) {
    const auto all = *reader().audit();
    std::vector<std::string> ids;
    for (const auto& row : all) ids.push_back(row.id);
    EXPECT_THAT(ids, ::testing::ElementsAre("five", "four", "three", "two", "one"));
    EXPECT_EQ(all[0].settled_by, "");
    EXPECT_EQ(all[0].decision_json, R"({"outcome":"blocked"})");
    EXPECT_EQ(all[1].settled_by, "void");
    EXPECT_EQ(all[3].settled_by, "estimate");
    EXPECT_EQ(all[4].charge, nano(500));
    EXPECT_EQ(reader().audit({.team = search_, .limit = 1})->front().id, "two");
    EXPECT_EQ(reader().audit({.team = {}, .limit = -1})->size(), 0U);
    EXPECT_EQ((*reader().decision("three"))->charge, nano(30));
    EXPECT_FALSE(*reader().decision("six"));
}

TEST_F(UsageReportTest, ReadsBesideARunningGatewayAndAppliesTheJournalOfADeadOne) {
    auto ledger = open_ledger(config_in(directory_.path()));
    EXPECT_EQ(reader().usage(UsageBy::Day)->size(), 2U);
    ledger.reset();
    EXPECT_EQ(LedgerReader::open(directory_.path() / "elsewhere").error().code, Errc::NotFound);
    EXPECT_EQ(apply_pending(directory_.path() / "elsewhere").error().code, Errc::NotFound);
}

}  // namespace
}  // namespace sluice::policies::test
