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

TEST(PolicyBook, RedactIsAnActionOfEveryClassButPublic) {
    TeamPolicy redacting;
    redacting.action_of = {Action::Cloud, Action::Redact, Action::Redact, Action::Redact};
    const auto book = PolicyBook::make(redacting, {});
    ASSERT_TRUE(book);
    EXPECT_EQ(book->for_team("any").rule_name(DataClass::Confidential), "default: confidential -> redact");
    redacting.action_of[0] = Action::Redact;
    const auto refused = PolicyBook::make({}, {{"ops", redacting}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().field, "policies.teams.ops.actions.public");
}

TEST(PolicyBook, WhatCannotBeMaskedIsLocalOrBlocked) {
    TeamPolicy policy;
    EXPECT_EQ(policy.redact.otherwise, Action::Local);
    policy.redact.otherwise = Action::Block;
    EXPECT_TRUE(PolicyBook::make(policy, {}));
    for (const auto wrong : {Action::Cloud, Action::Redact}) {
        policy.redact.otherwise = wrong;
        const auto refused = PolicyBook::make(policy, {});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().field, "policies.default.redact.otherwise");
    }
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
    changed = {};
    changed.redact.sticky = true;
    EXPECT_NE(PolicyBook::make(changed, {})->version(), base);
    changed = {};
    changed.memory.store = MemoryRules::Store::Off;
    EXPECT_NE(PolicyBook::make(changed, {})->version(), base);
    changed = {};
    changed.responses = ResponseScan::Mask;
    EXPECT_NE(PolicyBook::make(changed, {})->version(), base);
}

}  // namespace
}  // namespace sluice::policies
