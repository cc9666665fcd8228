#include "policies/sensitivity/own_patterns.hpp"

#include "policies/sensitivity/classifier.hpp"
#include "policies/sensitivity/validators.hpp"

#include <gmock/gmock.h>

namespace sluice::policies {
namespace {

using core::DataClass;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

OwnPattern employee() {
    return {.name = "employee_id", .regex = R"(\bEMP-\d{6}\b)"};
}

// What the patterns find, as the texts found.
std::vector<std::string> found_by(const std::vector<OwnPattern>& patterns, std::string_view text, std::string_view key = {}) {
    const OwnPatterns own{patterns};
    std::vector<OwnPatterns::Match> matches;
    EXPECT_TRUE(own.find(text, key, matches));
    std::vector<std::string> texts;
    for (const auto& match : matches) texts.emplace_back(text.substr(match.hit.begin, match.hit.end - match.hit.begin));
    return texts;
}

std::string refusal(const OwnPattern& pattern) {
    const auto problems = OwnPatterns::check({pattern});
    return problems.empty() ? "" : problems.front().key + ": " + problems.front().why;
}

TEST(OwnPatterns, FindWhatTheySayUnderANameThatNoBuiltInHas) {
    const OwnPatterns own{{employee()}};
    std::vector<OwnPatterns::Match> matches;
    ASSERT_TRUE(own.find("ask EMP-123456 or EMP-654321, not EMP-1234567", {}, matches));
    ASSERT_EQ(matches.size(), 2U);
    EXPECT_EQ(matches[0].hit.type, "CUSTOM_EMPLOYEE_ID");
    EXPECT_EQ(matches[0].hit.begin, 4U);
    EXPECT_EQ(matches[1].hit.end, 28U);
    EXPECT_EQ(matches[0].data_class, DataClass::Confidential);
    EXPECT_EQ(OwnPattern{.name = "credit_card"}.type(), "CUSTOM_CREDIT_CARD");
}

TEST(OwnPatterns, AreRunWithAndWithoutFixedLettersInThem) {
    OwnPattern digits{.name = "part", .regex = R"(\b\d{3}:\d{3}\b)"};
    OwnPattern any_case{.name = "case_no", .regex = R"((?i)caseno\d+)"};
    EXPECT_THAT(found_by({employee(), digits, any_case}, "123:456"), ElementsAre("123:456"));
    EXPECT_THAT(found_by({employee(), digits, any_case}, "CaseNo77 emp-1 EMP-000001"), ElementsAre("EMP-000001", "CaseNo77"));
    OwnPattern foreign{.name = "akte", .regex = "(?i)gesch\xc3\xa4""ft-\\d+"};
    EXPECT_THAT(found_by({foreign}, "GESCH\xc3\x84""FT-12 und Gesch\xc3\xa4""ft-7"), ElementsAre("GESCH\xc3\x84""FT-12", "Gesch\xc3\xa4""ft-7"));
}

TEST(OwnPatterns, AValidatorMustPass) {
    OwnPattern card{.name = "badge", .regex = R"(\bB\d{10}\b|\b\d{10}\b)", .validator = "luhn"};
    EXPECT_THAT(found_by({card}, "1234567897 and 1234567890"), ElementsAre("1234567897"));
    OwnPattern npi{.name = "npi", .regex = R"(\b\d{10}\b)", .validator = "us_npi"};
    EXPECT_THAT(found_by({npi}, "1234567893 and 1234567897"), ElementsAre("1234567893"));
}

TEST(OwnPatterns, AContextWordMustStandBesideThem) {
    OwnPattern number{.name = "member", .regex = R"(\b\d{7}\b)", .context = {"member", "Mitglied", "membre no"}};
    EXPECT_THAT(found_by({number}, "member 1234567"), ElementsAre("1234567"));
    EXPECT_THAT(found_by({number}, "MITGLIED: 1234567"), ElementsAre("1234567"));
    EXPECT_THAT(found_by({number}, "1234567 (member)"), ElementsAre("1234567"));
    EXPECT_THAT(found_by({number}, "1234567", "member_id"), ElementsAre("1234567"));
    EXPECT_THAT(found_by({number}, "order 1234567"), IsEmpty());
    EXPECT_THAT(found_by({number}, "remember 1234567"), IsEmpty());
    EXPECT_THAT(found_by({number}, "member\n1234567"), IsEmpty());
    EXPECT_THAT(found_by({number}, "member " + std::string(60, '.') + " 1234567"), IsEmpty());
}

TEST(OwnPatterns, LengthsCountCharacters) {
    OwnPattern name{.name = "code", .regex = "K-\\pL+", .min_length = 5, .max_length = 6};
    EXPECT_THAT(found_by({name}, "K-ab K-abc K-\xc3\xa4\xc3\xb6\xc3\xbc K-abcdefg"), ElementsAre("K-abc", "K-\xc3\xa4\xc3\xb6\xc3\xbc"));
}

TEST(OwnPatterns, AreFoundWhereverTheyStandInALongText) {
    for (const std::size_t at : {0U, 4085U, 4090U, 4096U, 3584U, 50'000U, 99'900U}) {
        std::string text(100'000, '.');
        text.replace(at, 12, " EMP-123456 ");
        EXPECT_THAT(found_by({employee()}, text), ElementsAre("EMP-123456")) << at;
    }
}

TEST(OwnPatterns, TooManyPlacesToLookAtAreSaid) {
    const OwnPatterns own{{{.name = "x", .regex = "x=[0-9]"}}};
    std::string text;
    for (int i = 0; i < 60'000; ++i) text += "x=1";
    std::vector<OwnPatterns::Match> matches;
    EXPECT_FALSE(own.find(text, {}, matches));
}

TEST(OwnPatterns, RefuseWhatWouldBeFoundEverywhere) {
    for (const char* regex : {"", "a*", "\\b", "^", "$", "(?m)^", "x?", "(foo|)", "\\B", "()", "(?m)$", "[a-z]*"})
        EXPECT_THAT(refusal({.name = "p", .regex = regex}), HasSubstr("regex: ")) << regex;
    for (const char* regex : {".", ".+", "\\w+", "[a-z]+", "\\S", "(?s).+", "\\d+", "e"})
        EXPECT_THAT(refusal({.name = "p", .regex = regex}), HasSubstr("ordinary text")) << regex;
    EXPECT_EQ(refusal({.name = "p", .regex = "\\d+", .context = {"account"}}), "");
    EXPECT_EQ(refusal({.name = "p", .regex = "\\d+", .min_length = 8}), "");
    EXPECT_EQ(refusal(employee()), "");
}

TEST(OwnPatterns, RefuseWhatRe2RefusesWithItsReason) {
    EXPECT_THAT(refusal({.name = "p", .regex = "EMP-(\\d"}), HasSubstr("missing )"));
    EXPECT_THAT(refusal({.name = "p", .regex = "(?=x)y"}), HasSubstr("RE2 does not accept it"));
    EXPECT_THAT(refusal({.name = "p", .regex = "(a)\\1"}), HasSubstr("RE2 does not accept it"));
    EXPECT_THAT(refusal({.name = "p", .regex = "EMP\\C"}), HasSubstr("\\C"));
    EXPECT_THAT(refusal({.name = "p", .regex = "(?:x{100}){100}"}), HasSubstr("regex: "));
    EXPECT_THAT(refusal({.name = "p", .regex = "x\\pL{20}"}), HasSubstr("steps"));
    EXPECT_THAT(refusal({.name = "p", .regex = std::string(1001, 'x')}), HasSubstr("longer than"));
}

TEST(OwnPatterns, RefuseNamesLengthsWordsAndValidatorsThatCannotBe) {
    for (const char* name : {"", "1st", "has space", "gr\xc3\xb6\xc3\x9f""e", "a-b", "x12345678901234567890123456789012345678901"})
        EXPECT_THAT(refusal({.name = name, .regex = "EMP-\\d"}), HasSubstr("name: ")) << name;
    EXPECT_THAT(refusal({.name = "p", .regex = "EMP-\\d", .validator = "lunn"}), HasSubstr("known are"));
    EXPECT_THAT(refusal({.name = "p", .regex = "EMP-\\d", .min_length = 5, .max_length = 4}), HasSubstr("max_length: "));
    EXPECT_THAT(refusal({.name = "p", .regex = "EMP-\\d", .context = {"..."}}), HasSubstr("context: "));
    const auto twice = OwnPatterns::check({employee(), {.name = "EMPLOYEE_ID", .regex = "E\\d\\d"}});
    ASSERT_EQ(twice.size(), 1U);
    EXPECT_EQ(twice[0].pattern, 1U);
    EXPECT_THAT(twice[0].why, HasSubstr("taken"));
    EXPECT_EQ(OwnPatterns::check(std::vector<OwnPattern>(257, employee())).size(), 1U);
    EXPECT_THROW((OwnPatterns{{{.name = "p", .regex = "a*"}}}), std::invalid_argument);
}

TEST(Validators, CheckDigitsAndIdentifiersByName) {
    const auto passes = [](std::string_view name, std::string_view value) { return Validator::named(name).value().passes(value); };
    EXPECT_TRUE(passes("luhn", "4111 1111-1111.1111"));
    EXPECT_FALSE(passes("luhn", "4111 1111 1111 1112"));
    EXPECT_FALSE(passes("luhn", "0000"));
    EXPECT_FALSE(passes("luhn", "a"));
    EXPECT_TRUE(passes("iban", "gb82 WEST 1234 5698 7654 32"));
    EXPECT_FALSE(passes("iban", "GB83 WEST 1234 5698 7654 32"));
    EXPECT_TRUE(passes("mod97", "529900T8BM49AURSDO55"));  // a legal entity identifier
    EXPECT_FALSE(passes("mod97", "529900T8BM49AURSDO56"));
    EXPECT_TRUE(passes("us_npi", "1234567893"));
    EXPECT_FALSE(passes("us_npi", "123456789"));
    EXPECT_FALSE(passes("us_npi", std::string(1000, '1')));
    EXPECT_FALSE(Validator::named("us_ein"));  // has no check
    EXPECT_FALSE(Validator::named(""));
    EXPECT_THAT(Validator::names(), HasSubstr("fr_nir, "));
}

TEST(Classifier, OwnPatternsAreFoundInEveryReading) {
    const Classifier classifier{{.patterns = {employee()}}};
    const auto type_of = [&](std::string_view text) {
        const auto findings = classifier.scan(text);
        return findings.empty() ? std::string{} : findings.front().type + " " + std::string{text.substr(findings.front().begin, findings.front().end - findings.front().begin)};
    };
    EXPECT_EQ(type_of("EMP-123456"), "CUSTOM_EMPLOYEE_ID EMP-123456");
    EXPECT_EQ(type_of("EMP\xe2\x80\x8b-12\xe2\x80\x8b""3456"), "CUSTOM_EMPLOYEE_ID EMP\xe2\x80\x8b-12\xe2\x80\x8b""3456");
    EXPECT_EQ(type_of("x \xef\xbc\xa5\xef\xbc\xad\xef\xbc\xb0-123456"), "CUSTOM_EMPLOYEE_ID \xef\xbc\xa5\xef\xbc\xad\xef\xbc\xb0-123456");
    EXPECT_EQ(type_of("EMP%2D123456"), "CUSTOM_EMPLOYEE_ID EMP%2D123456");
    EXPECT_EQ(type_of("dGhlIG51bWJlciBpcyBFTVAtMTIzNDU2"), "CUSTOM_EMPLOYEE_ID dGhlIG51bWJlciBpcyBFTVAtMTIzNDU2");
}

}  // namespace
}  // namespace sluice::policies
