// The organization's own rules in the configuration: what is read, and what is refused with the key, the line and the reason.
#include "gateway/config/load.hpp"
#include "gateway/config/load_policy.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

namespace sluice::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

LoadedConfig parse(std::string_view yaml) {
    return parse_config(yaml, [](const std::string& name) { return name == "ALLOW" ? std::optional<std::string>("0123456789abcdef") : std::nullopt; });
}

std::vector<std::string> problems(std::string_view yaml) {
    std::vector<std::string> lines;
    for (const core::Error& error : parse(yaml).problems) lines.push_back(core::describe(error));
    return lines;
}

TEST(OwnRules, AreReadWithTheirDefaults) {
    const auto loaded = parse(R"(
sensitivity:
  patterns:
    - {name: employee_id, regex: '\bEMP-\d{6}\b'}
    - {name: badge, regex: '\bB\d{10}\b', class: restricted, never_leaves: true, validator: luhn, context: [badge], min_length: 11, max_length: 11, score: "0.7"}
  dictionary_files: [{file: /etc/terms.txt, class: restricted}]
  findings: {thresholds: {PHONE: "0.8", CUSTOM_BADGE: "0.2"}, disabled: [EMAIL]}
  allow: {values: [a], email_domains: ["*.example.com"], hashed: ["0000000000000000000000000000000000000000000000000000000000000000"], key: "${ALLOW}"}
policies:
  default: {findings: {disabled: [CUSTOM_EMPLOYEE_ID]}}
  teams:
    ops: {findings: {thresholds: {PERSON: 0.9}}}
)");
    for (const auto& problem : loaded.problems) ADD_FAILURE() << core::describe(problem);
    const auto& own = loaded.config.sensitivity;
    ASSERT_EQ(own.patterns.size(), 2U);
    EXPECT_EQ(own.patterns[0], (policies::OwnPattern{.name = "employee_id", .regex = "\\bEMP-\\d{6}\\b"}));
    EXPECT_TRUE(own.patterns[1].never_leaves);
    EXPECT_EQ(own.patterns[1].max_length, 11U);
    EXPECT_THAT(own.patterns[1].context, ElementsAre("badge"));
    EXPECT_EQ(own.rules.thresholds.at("CUSTOM_BADGE"), 0.2);
    EXPECT_THAT(own.rules.disabled, ElementsAre("EMAIL"));
    EXPECT_EQ(own.allow.key.expose(), "0123456789abcdef");
    EXPECT_EQ(loaded.config.dictionary_files.at(0).data_class, core::DataClass::Restricted);
    // What a team leaves out is the default's.
    EXPECT_TRUE(loaded.config.policies.teams.at("ops").findings.disabled.contains("CUSTOM_EMPLOYEE_ID"));
}

TEST(OwnRules, ABadPatternIsRefusedWithItsKeyItsLineAndTheReason) {
    EXPECT_THAT(problems(R"(sensitivity:
  patterns:
    - name: good
      regex: EMP-\d
    - name: open
      regex: "EMP-(\\d"
    - name: everything
      regex: '.*'
      validator: lunn
    - regex: X-\d+
)"),
                ElementsAre("sensitivity.patterns[1].regex: line 6: RE2 does not accept it: missing ): EMP-(\\d",
                            HasSubstr("sensitivity.patterns[2].validator: line 9: there is no such validator; known are "),
                            "sensitivity.patterns[2].regex: line 8: matches the empty text, so it would be found everywhere",
                            HasSubstr("sensitivity.patterns[3].name: line 10: needs letters")));
    EXPECT_THAT(problems("sensitivity: {patterns: [{name: a, regex: 'X-\\d', class: public}]}"),
                ElementsAre(HasSubstr("sensitivity.patterns[0].class: \"public\" is not internal, confidential or restricted")));
}

TEST(OwnRules, RulesNameTypesThatExist) {
    EXPECT_THAT(problems("sensitivity: {findings: {disabled: [EMIAL]}}"),
                ElementsAre("sensitivity.findings.disabled: there is no finding of that type; did you mean EMAIL?"));
    EXPECT_THAT(problems("policies: {teams: {ops: {findings: {thresholds: {CUSTOM_X: 0.5}}}}}"),
                ElementsAre(HasSubstr("policies.teams.ops.findings.thresholds.CUSTOM_X: there is no finding of that type")));
    EXPECT_THAT(problems("policies: {default: {findings: {thresholds: {EMAIL: 1.5}}}}"),
                ElementsAre("policies.default.findings.thresholds.EMAIL: \"1.5\" is not a number between 0 and 1"));
}

TEST(OwnRules, CredentialsAreOverlookedOnlyWhereThatIsSaidAloud) {
    EXPECT_THAT(problems("policies: {teams: {ops: {findings: {disabled: [API_KEY]}}}}"),
                ElementsAre(HasSubstr("policies.teams.ops.findings.disabled: findings of this type never leave")));
    EXPECT_THAT(problems("sensitivity: {findings: {thresholds: {PASSWORD: 0.9}}}"), ElementsAre(HasSubstr("including_s4: true")));
    EXPECT_THAT(problems("sensitivity: {findings: {thresholds: {PASSWORD: 0.3}}}"), IsEmpty());  // stricter
    EXPECT_THAT(problems("sensitivity: {findings: {disabled: [PASSWORD], including_s4: true}}"), IsEmpty());
    EXPECT_THAT(problems("sensitivity: {patterns: [{name: v, regex: 'VLT-\\d', never_leaves: true}], findings: {disabled: [CUSTOM_V]}}"),
                ElementsAre(HasSubstr("never leave")));
}

TEST(OwnRules, AllowedValuesAreChecked) {
    EXPECT_THAT(problems("sensitivity: {allow: {values: [' '], hashed: [abc], email_domains: ['a b'], key: short}}"),
                ElementsAre(HasSubstr("sensitivity.allow.values[0]: is empty"), HasSubstr("sensitivity.allow.hashed[0]: "),
                            HasSubstr("sensitivity.allow.key: "), HasSubstr("sensitivity.allow.email_domains[0]: ")));
}

TEST(OwnRules, ADictionaryFileIsReadWhenThePolicyIsBuilt) {
    const auto file = std::filesystem::path(::testing::TempDir()) / "sluice-terms.txt";
    const auto write = [&](std::string_view text) { std::ofstream(file, std::ios::trunc) << text; };
    write("Project Falcon\n");
    const std::string yaml = "sensitivity: {dictionary: [{term: bluefin}], dictionary_files: [{file: '" + file.string() + "'}]}";
    const auto first = load_policy(parse(yaml).config);
    ASSERT_TRUE(first) << core::describe(first.error());
    EXPECT_EQ((*first)->classifier().scan("project-falcon and bluefin").size(), 2U);
    write("Project Osprey\n");
    const auto second = load_policy(parse(yaml).config);
    EXPECT_NE((*second)->version(), (*first)->version());
    write("fine\n...\n");
    const auto refused = load_policy(parse(yaml).config);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().field, "sensitivity.dictionary_files[0].file");
    EXPECT_THAT(refused.error().detail, HasSubstr("line 2: "));
    std::filesystem::remove(file);
    EXPECT_FALSE(load_policy(parse(yaml).config));
}

}  // namespace
}  // namespace sluice::gateway
