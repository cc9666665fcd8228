#include "gateway/config/policy_cases.hpp"

#include "gateway/config/section.hpp"
#include "gateway/config/yaml_document.hpp"

#include <fmt/format.h>

namespace sluice::gateway {
namespace {

constexpr std::string_view kDataClasses = "public, internal, confidential or restricted";

void read_expectation(Section& expect, PolicyCase& one) {
    expect.choice("class", one.data_class, kDataClasses, core::parse_data_class);
    std::vector<std::string> findings;
    expect.texts("findings", findings);
    if (expect.has("findings")) one.findings = std::move(findings);
    expect.choice("action", one.action, "cloud, redact, local or block", core::parse_action);
    if (!expect.has("class") && !expect.has("findings") && !expect.has("action"))
        expect.problem("class", "a case expects something: a class, findings or an action");
}

void read_case(Section& section, PolicyCase& one) {
    section.text("name", one.name);
    section.text("team", one.team);
    section.text("text", one.text);
    section.text("body", one.body);
    if (section.has("text") == section.has("body")) section.problem("text", "a case needs either a text or a body");
    section.choice("declared", one.declared, kDataClasses, core::parse_data_class);
    section.section("expect", [&](Section& expect) { read_expectation(expect, one); });
}

}  // namespace

PolicyCases parse_policy_cases(std::string_view yaml) {
    PolicyCases read;
    const auto document = parse_yaml(yaml);
    if (!document) {
        read.problems.push_back(document.error());
        return read;
    }
    const Environment as_written = [](const std::string& name) { return std::optional("${" + name + "}"); };
    ReadContext context{as_written};
    Section root(context, document->root, "", "");
    root.list("cases", [&](Section& section) {
        PolicyCase& one = read.cases.emplace_back();
        std::string line = section.line_of("");
        if (line.size() > 2) line = ", " + line.substr(0, line.size() - 2);
        one.place = fmt::format("cases[{}]{}", read.cases.size() - 1, line);
        read_case(section, one);
    });
    if (read.cases.empty() && context.problems.empty()) root.problem("cases", "is needed: a list of cases");
    root.finish();
    read.problems = std::move(context.problems);
    return read;
}

}  // namespace sluice::gateway
