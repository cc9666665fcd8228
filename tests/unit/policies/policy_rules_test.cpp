// Thresholds, types that are off, allowed values, dictionaries from files, and what a policy set's version says.
#include "policies/policy_set.hpp"
#include "policies/sensitivity/redactor.hpp"
#include "policies/sensitivity/term_file.hpp"
#include "sensitivity_text.hpp"

#include <gmock/gmock.h>

namespace sluice::policies {
namespace {

using core::DataClass;
using ::testing::HasSubstr;

const std::string kPassword = "password = " + made_up(14);

std::string types_with(const SensitivityConfig& config, std::string_view text, const FindingRules* team = nullptr) {
    std::string out;
    for (const auto& finding : Classifier{config}.scan(text, team)) out += (out.empty() ? "" : " ") + finding.type;
    return out;
}

core::Classified judge(const Classifier& classifier, std::string_view content, const FindingRules* team = nullptr) {
    const core::Json body{{"model", "m"}, {"messages", {{{"role", "user"}, {"content", content}}}}};
    auto request = core::ChatRequest::from_json(body);
    return classifier.classify(std::make_shared<const core::ChatRequest>(std::move(*request)), {.rules = team});
}

TEST(FindingRules, AThresholdReplacesTheCutOfItsType) {
    const std::string text = "call 212-555-0147 or write to jo@acme-corp.com";
    ASSERT_EQ(types_with({}, text), "PHONE EMAIL");
    const SensitivityConfig strict{.rules = {.thresholds = {{"PHONE", 0.99}}}};
    EXPECT_EQ(types_with(strict, text), "EMAIL");
    const FindingRules team{.thresholds = {{"PHONE", 0.1}, {"EMAIL", 0.95}}};
    EXPECT_EQ(types_with(strict, text, &team), "PHONE");  // the team's word is the last
}

TEST(FindingRules, ATypeThatIsOffDoesNotCount) {
    const FindingRules team{.disabled = {"EMAIL"}};
    EXPECT_EQ(types_with({}, "jo@acme-corp.com", &team), "");
    EXPECT_EQ(types_with({}, "jo@acme-corp.com"), "EMAIL");
    EXPECT_EQ(judge(Classifier{{}}, "jo@acme-corp.com", &team).data_class(), DataClass::Public);
    EXPECT_EQ(types_with({.rules = {.disabled = {"ORG_TERM"}}}, "x"), "");
}

TEST(FindingRules, WhatNeverLeavesIsOutOfReachUnlessSaidAloud) {
    ASSERT_EQ(types_with({}, kPassword), "PASSWORD");
    FindingRules team{.thresholds = {{"PASSWORD", 1.0}}, .disabled = {"PASSWORD"}};
    EXPECT_EQ(types_with({}, kPassword, &team), "PASSWORD");
    EXPECT_EQ(types_with({.rules = team}, kPassword), "PASSWORD");
    const OwnPattern vault{.name = "vault", .regex = "VLT-\\d+", .never_leaves = true};
    const FindingRules off{.disabled = {"CUSTOM_VAULT"}};
    EXPECT_EQ(types_with({.patterns = {vault}}, "VLT-1", &off), "CUSTOM_VAULT");
    team.including_s4 = true;
    EXPECT_EQ(types_with({}, kPassword, &team), "");
    EXPECT_EQ(types_with({.rules = team}, kPassword), "");
    for (const char* type : {"API_KEY", "PRIVATE_KEY", "JWT", "LEGAL_PRIVILEGE", "HEALTH_INFO", "CARD_CVV"}) EXPECT_TRUE(never_leaves(type)) << type;
    for (const char* type : {"EMAIL", "PERSON", "CREDIT_CARD", "CUSTOM_X"}) EXPECT_FALSE(never_leaves(type)) << type;
}

TEST(FindingRules, ANameThatIsOffStillTellsWhoseDiagnosisItIs) {
    const Classifier classifier{{}};
    const std::string text = "Patient: John Miller. Diagnosis: type 2 diabetes, prescribed metformin.";
    ASSERT_EQ(judge(classifier, text).reason(), "combination:health");
    const FindingRules team{.disabled = {"PERSON"}};
    EXPECT_EQ(judge(classifier, text, &team).reason(), "combination:health");
    const FindingRules aloud{.disabled = {"PERSON"}, .including_s4 = true};
    EXPECT_NE(judge(classifier, text, &aloud).data_class(), DataClass::Restricted);
}

TEST(AllowedValues, ExactValuesAreNoFindings) {
    const SensitivityConfig config{.allow = {.values = {"help@acme-corp.com", " 212-555-0147 "}}};
    EXPECT_EQ(types_with(config, "write to help@acme-corp.com or 212-555-0147"), "");
    EXPECT_EQ(types_with(config, "write to xhelp@acme-corp.com"), "EMAIL");
    EXPECT_EQ(types_with(config, "help%40acme-corp.com"), "");  // in every reading
}

TEST(AllowedValues, MayBeKeptAsKeyedHashes) {
    const core::Secret key{"a key of the organization"};
    const auto digest = FindingFilter::hash(key, "help@acme-corp.com");
    EXPECT_EQ(digest.size(), 64U);
    EXPECT_EQ(types_with({.allow = {.hashed = {digest}, .key = key}}, "help@acme-corp.com"), "");
    EXPECT_EQ(types_with({.allow = {.hashed = {digest}, .key = core::Secret{"another"}}}, "help@acme-corp.com"), "EMAIL");
}

TEST(AllowedValues, DomainsAreOfAddressesOnly) {
    const SensitivityConfig config{.allow = {.email_domains = {"Acme-Corp.com", "*.partner.org"}}};
    EXPECT_EQ(types_with(config, "a@acme-corp.com b@ACME-CORP.COM c@eu.partner.org"), "");
    EXPECT_EQ(types_with(config, "a@eu.acme-corp.com"), "EMAIL");
    EXPECT_EQ(types_with(config, "a@partner.org"), "EMAIL");
    EXPECT_EQ(types_with(config, "a@notacme-corp.com"), "EMAIL");
}

TEST(AllowedValues, DoNotReachWhatNeverLeavesUnlessSaidAloud) {
    const std::string value = made_up(14);
    EXPECT_EQ(types_with({.allow = {.values = {value}}}, "password = " + value), "PASSWORD");
    EXPECT_EQ(types_with({.allow = {.values = {value}, .including_s4 = true}}, "password = " + value), "");
}

TEST(OwnPatterns, AreMaskedUnlessTheyNeverLeave) {
    const OwnPattern employee{.name = "employee_id", .regex = R"(\bEMP-\d{6}\b)"};
    OwnPattern vault = employee;
    vault.never_leaves = true;
    TeamPolicy policy;
    policy.action_of[static_cast<std::size_t>(DataClass::Confidential)] = core::Action::Redact;
    const auto redact = [&](const OwnPattern& pattern) {
        const Classifier classifier{{.patterns = {pattern}}};
        return Redactor{classifier}.redact(judge(classifier, "who is EMP-123456?"), policy, {.conversation_key = core::Secret{"k"}});
    };
    const auto masked = redact(employee);
    ASSERT_TRUE(masked) << core::describe(masked.error());
    const std::string sent = masked->request.request().body().dump();
    EXPECT_EQ(sent.find("123456"), std::string::npos) << sent;
    EXPECT_THAT(sent, HasSubstr("CUSTOM_EMPLOYEE_ID"));
    const auto refused = redact(vault);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().detail, HasSubstr("CUSTOM_EMPLOYEE_ID is never sent"));
}

TEST(TermFile, HoldsATermALine) {
    const auto terms = read_terms("\xef\xbb\xbf# customers\r\nProject Falcon\r\n\n  ACME  \n\xe6\x9c\xba\xe5\xaf\x86", DataClass::Restricted, 10);
    ASSERT_TRUE(terms) << core::describe(terms.error());
    ASSERT_EQ(terms->size(), 3U);
    EXPECT_EQ(terms->at(0).term, "Project Falcon");
    EXPECT_EQ(terms->at(1).term, "ACME");
    EXPECT_EQ(terms->at(1).data_class, DataClass::Restricted);
}

TEST(TermFile, SaysTheLineThatCannotBeATermAndNotItsText) {
    const auto unfindable = read_terms("good\n?!?\n", DataClass::Confidential, 10);
    ASSERT_FALSE(unfindable);
    EXPECT_THAT(unfindable.error().detail, HasSubstr("line 2: "));
    EXPECT_EQ(unfindable.error().detail.find("?!?"), std::string::npos);
    EXPECT_FALSE(read_terms("a b c d e f g h i\n", DataClass::Confidential, 10));
    EXPECT_FALSE(read_terms(std::string(300, 'x'), DataClass::Confidential, 10));
    const auto many = read_terms("a\nb\nc\n", DataClass::Confidential, 2);
    ASSERT_FALSE(many);
    EXPECT_EQ(many.error().code, core::Errc::TooLarge);
    EXPECT_THAT(many.error().detail, HasSubstr("line 3: "));
    EXPECT_EQ(read_term_file("/nonexistent/terms.txt", DataClass::Confidential, 1).error().code, core::Errc::NotFound);
}

TEST(PolicySet, TheVersionChangesWithEveryRuleAndTerm) {
    const auto version = [](SensitivityConfig config, TeamPolicy policy = {}) {
        return (*PolicySet::make(std::move(config), std::move(policy), {}))->version();
    };
    const std::string base = version({});
    EXPECT_EQ(base.size(), 16U);
    EXPECT_EQ(base, version({}));
    const std::vector<SensitivityConfig> changed{
        {.dictionary = {{"falcon"}}},
        {.dictionary = {{"falcon", DataClass::Restricted}}},
        {.classes = {{"EMAIL", DataClass::Public}}},
        {.cut = 0.6},
        {.patterns = {{.name = "a", .regex = "EMP-\\d"}}},
        {.patterns = {{.name = "a", .regex = "EMP-\\d", .never_leaves = true}}},
        {.patterns = {{.name = "a", .regex = "EMP-\\d", .context = {"x"}}}},
        {.rules = {.disabled = {"EMAIL"}}},
        {.rules = {.thresholds = {{"EMAIL", 0.7}}}},
        {.allow = {.values = {"a"}}},
        {.allow = {.email_domains = {"a"}}},
    };
    std::set<std::string> seen{base};
    for (const auto& config : changed) EXPECT_TRUE(seen.insert(version(config)).second);
    TeamPolicy policy;
    policy.findings.disabled = {"EMAIL"};
    EXPECT_TRUE(seen.insert(version({}, policy)).second);
}

TEST(PolicySet, IsNotMadeOfAPatternThatIsRefused) {
    const auto refused = PolicySet::make({.patterns = {{.name = "a", .regex = "EMP-\\d"}, {.name = "b", .regex = "("}}}, {}, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().field, "sensitivity.patterns[1].regex");
}

TEST(PolicySet, WhoTookTheOldOneKeepsIt) {
    PolicyInForce in_force{*PolicySet::make({}, {}, {})};
    const auto taken = in_force.get();
    const auto next = *PolicySet::make({.cut = 0.9}, {}, {});
    const auto before = in_force.replace(next);
    EXPECT_EQ(before, taken);
    EXPECT_EQ(in_force.get(), next);
    EXPECT_NE(taken->version(), next->version());
}

}  // namespace
}  // namespace sluice::policies
