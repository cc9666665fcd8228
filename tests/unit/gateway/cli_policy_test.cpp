#include "gateway/config/policy_cases.hpp"
#include "tests/unit/gateway/cli_support.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace sluice::gateway::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class PolicyCommands : public CliTest {
protected:
    std::string write(const std::string& name, std::string_view text) {
        const auto path = directory_ / name;
        std::ofstream(path, std::ios::trunc) << text;
        return path.string();
    }
    std::string config() {
        return write("sluice.yaml", R"(
sensitivity:
  patterns: [{name: employee_id, regex: '\bEMP-\d{6}\b'}, {name: vault, regex: 'VLT-\d+', never_leaves: true}]
  allow: {values: [help@acme-corp.com], key: "0123456789abcdef"}
policies:
  default: {actions: {confidential: redact}}
  teams:
    legal: {actions: {confidential: block}, findings: {disabled: [EMAIL]}}
)");
    }
};

TEST_F(PolicyCommands, TestPassesWhenEveryCaseHolds) {
    const auto cases = write("cases.yaml", R"(
cases:
  - {text: "badge EMP-123456", expect: {class: confidential, findings: [CUSTOM_EMPLOYEE_ID=EMP-123456], action: redact}}
  - {text: "badge EMP-123456", team: legal, expect: {action: block}}
  - {text: "open VLT-1", expect: {action: local, findings: [CUSTOM_VAULT]}}
  - {text: "write to jo@acme-corp.com", expect: {findings: [EMAIL]}}
  - {text: "write to jo@acme-corp.com", team: legal, expect: {class: public, findings: [], action: cloud}}
  - {text: "write to help@acme-corp.com", expect: {class: public}}
  - {text: "hello", declared: restricted, expect: {class: restricted, action: local}}
  - {body: '{"messages":[{"role":"tool","content":"EMP-123456"}]}', expect: {findings: [CUSTOM_EMPLOYEE_ID]}}
)");
    const Ran ran = run({"policy", "test", cases, "--config", config()});
    EXPECT_EQ(ran.code, kDone) << ran.out << ran.error;
    EXPECT_THAT(ran.out, HasSubstr("8 cases, 0 failed; policy "));
}

TEST_F(PolicyCommands, TestShowsWhatWasExpectedAndWhatCame) {
    const auto cases = write("cases.yaml", R"(cases:
  - {text: "hello", expect: {class: public}}
  - name: numbers stay
    team: legal
    text: badge EMP-123456 of jo@acme-corp.com
    expect: {class: restricted, findings: [CUSTOM_EMPLOYEE_ID, EMAIL], action: cloud}
)");
    const Ran ran = run({"policy", "test", "--cases", cases, "--config", config()});
    EXPECT_EQ(ran.code, kFailed);
    EXPECT_THAT(ran.out, HasSubstr("FAIL cases[1], line 3: numbers stay (team legal)\n"
                                   "  class     - restricted\n"
                                   "            + confidential (finding:CUSTOM_EMPLOYEE_ID)\n"
                                   "  findings  - CUSTOM_EMPLOYEE_ID, EMAIL\n"
                                   "            + CUSTOM_EMPLOYEE_ID\n"
                                   "  action    - cloud\n"
                                   "            + block (team legal: confidential -> block)\n"
                                   "2 cases, 1 failed; policy "));
    const Ran json = run({"policy", "test", cases, "--config", config(), "--json"});
    EXPECT_EQ(json.code, kFailed);
    EXPECT_EQ(json.json().at("failed"), 1);
    EXPECT_EQ(json.json().at("cases").at(1).at("differences").size(), 3U);
}

TEST_F(PolicyCommands, TestRefusesWrongFilesWithThePlace) {
    const auto ran = [&](std::string_view text) { return run({"policy", "test", write("cases.yaml", text), "--config", config()}); };
    EXPECT_EQ(ran("cases: [{text: a}]").code, kWrongUsage);
    EXPECT_THAT(ran("cases: [{text: a, expect: {clas: public}}]").error, HasSubstr("cases[0].expect.clas: unknown key; did you mean class?"));
    EXPECT_THAT(ran("cases: [{expect: {class: public}}]").error, HasSubstr("either a text or a body"));
    EXPECT_THAT(ran("cases: [{body: '{', expect: {class: public}}]").error, HasSubstr("cases[0]"));
    EXPECT_THAT(ran("").error, HasSubstr("cases: is needed"));
    EXPECT_THAT(ran("cases: [").error, HasSubstr("not YAML"));
    EXPECT_EQ(run({"policy", "test", "--config", config()}).code, kWrongUsage);
    EXPECT_EQ(run({"policy", "test", "/nonexistent.yaml", "--config", config()}).code, kWrongUsage);
}

TEST_F(PolicyCommands, HashPrintsWhatTheAllowListHolds) {
    const Ran ran = run({"policy", "hash", "--config", config()}, "help@acme-corp.com\n");
    ASSERT_EQ(ran.code, kDone) << ran.error;
    EXPECT_EQ(ran.out.size(), 65U);
    const auto hashed = write("hashed.yaml", "sensitivity: {allow: {hashed: [" + ran.out.substr(0, 64) + "], key: 0123456789abcdef}}");
    EXPECT_THAT(run({"classify", "help@acme-corp.com", "--config", hashed}).out, Not(HasSubstr("EMAIL")));
    EXPECT_THAT(run({"classify", "jo@acme-corp.com", "--config", hashed}).out, HasSubstr("EMAIL"));
    EXPECT_EQ(run({"policy", "hash"}, "x\n").code, kWrongUsage);
}

TEST_F(PolicyCommands, ClassifyUsesOwnPatternsAndATeamsRules) {
    EXPECT_THAT(run({"classify", "EMP-123456", "--config", config()}).out, HasSubstr("CUSTOM_EMPLOYEE_ID"));
    EXPECT_THAT(run({"classify", "jo@acme-corp.com", "--config", config()}).out, HasSubstr("EMAIL"));
    EXPECT_THAT(run({"classify", "jo@acme-corp.com", "--config", config(), "--team", "legal"}).out, HasSubstr("data class: public"));
}

TEST_F(PolicyCommands, ReloadSaysWhenNoGatewayRuns) {
    const Ran ran = run_here({"policy", "reload"});
    EXPECT_EQ(ran.code, kFailed);
    EXPECT_THAT(ran.error, HasSubstr("no gateway runs over"));
}

TEST_F(PolicyCommands, CheckNamesABadPatternAndAMissingDictionary) {
    const Ran bad = run_here({"check", "--config", write("bad.yaml", "sensitivity:\n  patterns:\n    - name: a\n      regex: '('\n")});
    EXPECT_EQ(bad.code, kWrongUsage);
    EXPECT_THAT(bad.error, HasSubstr("sensitivity.patterns[0].regex: line 4: RE2 does not accept it"));
    const Ran missing = run_here({"check", "--config", write("m.yaml", "sensitivity: {dictionary_files: [{file: /nonexistent/x}]}")});
    EXPECT_EQ(missing.code, kWrongUsage);
    EXPECT_THAT(missing.error, HasSubstr("sensitivity.dictionary_files[0].file: /nonexistent/x is not a readable file"));
    EXPECT_THAT(run_here({"check", "--config", config()}).out, HasSubstr("own rules   2 patterns"));
}

}  // namespace
}  // namespace sluice::gateway::cli
