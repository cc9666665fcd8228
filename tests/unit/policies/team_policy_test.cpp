#include "policies/team_policy.hpp"

#include <gtest/gtest.h>

namespace sluice::policies {
namespace {

using core::Action;
using core::DataClass;

TEST(TeamPolicy, ByDefaultOnlyWhatIsNotConfidentialMayLeave) {
    const TeamPolicy policy;
    EXPECT_EQ(policy.action(DataClass::Public), Action::Cloud);
    EXPECT_EQ(policy.action(DataClass::Internal), Action::Cloud);
    EXPECT_EQ(policy.action(DataClass::Confidential), Action::Local);
    EXPECT_EQ(policy.action(DataClass::Restricted), Action::Local);
    EXPECT_EQ(policy.attachments, DataClass::Restricted);
    EXPECT_EQ(policy.rule_name(DataClass::Restricted), "default: restricted -> local");
}

TEST(PolicyBook, TeamsHaveTheirOwnPolicyOthersTheDefault) {
    TeamPolicy strict;
    strict.action_of.fill(Action::Block);
    const auto book = PolicyBook::make({}, {{"legal", strict}});
    ASSERT_TRUE(book);
    EXPECT_EQ(book->for_team("legal").action(DataClass::Public), Action::Block);
    EXPECT_EQ(book->for_team("legal").rule_name(DataClass::Public), "team legal: public -> block");
    EXPECT_EQ(book->for_team("other").action(DataClass::Public), Action::Cloud);
    EXPECT_EQ(PolicyBook{}.for_team("any").action(DataClass::Restricted), Action::Local);
}

TEST(PolicyBook, RedactIsRefusedByName) {
    TeamPolicy redacting;
    redacting.action_of[1] = Action::Redact;
    const auto fallback = PolicyBook::make(redacting, {});
    ASSERT_FALSE(fallback);
    EXPECT_EQ(fallback.error().field, "policies.default.actions.internal");
    EXPECT_NE(fallback.error().detail.find("not available yet: use local"), std::string::npos);
    const auto team = PolicyBook::make({}, {{"ops", redacting}});
    ASSERT_FALSE(team);
    EXPECT_EQ(team.error().field, "policies.teams.ops.actions.internal");
}

TEST(PolicyBook, TokenLimitsMustFitEachOther) {
    for (const auto& [fallback, most] : {std::pair{0, 10}, std::pair{-1, 10}, std::pair{11, 10}}) {
        TeamPolicy policy;
        policy.default_max_tokens = fallback;
        policy.most_max_tokens = most;
        EXPECT_FALSE(PolicyBook::make(policy, {})) << fallback << " " << most;
    }
}

TEST(PolicyBook, TheVersionChangesWithEveryRule) {
    const auto base = PolicyBook::make({}, {})->version();
    EXPECT_EQ(base, PolicyBook{}.version());
    TeamPolicy changed;
    changed.attachments = DataClass::Public;
    EXPECT_NE(PolicyBook::make(changed, {})->version(), base);
    EXPECT_NE(PolicyBook::make({}, {{"a", TeamPolicy{}}})->version(), base);
    changed = {};
    changed.most_max_tokens += 1;
    EXPECT_NE(PolicyBook::make(changed, {})->version(), base);
    changed = {};
    changed.action_of[3] = Action::Block;
    EXPECT_NE(PolicyBook::make(changed, {})->version(), base);
}

}  // namespace
}  // namespace sluice::policies
