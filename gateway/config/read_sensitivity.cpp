#include "gateway/config/read_sensitivity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace sluice::gateway {
namespace {

constexpr std::string_view kDataClasses = "public, internal, confidential or restricted";

void read_dictionary(Section& section, Config& config) {
    using policies::Dictionary;
    section.list("dictionary", [&](Section& entry) {
        policies::DictionaryTerm& term = config.sensitivity.dictionary.emplace_back();
        entry.text("term", term.term);
        if (Dictionary({term}).empty()) {
            entry.problem("term", fmt::format("needs a letter or digit, and at most {} bytes and {} words", Dictionary::kMostTermBytes,
                                              Dictionary::kMostTermWords));
        }
        entry.choice("class", term.data_class, kDataClasses, core::parse_data_class);
    });
    section.list("dictionary_files", [&](Section& entry) {
        DictionaryFile& dictionary = config.dictionary_files.emplace_back();
        entry.path("file", dictionary.file);
        if (dictionary.file.empty()) entry.problem("file", "is needed: a file with one term a line");
        entry.choice("class", dictionary.data_class, kDataClasses, core::parse_data_class);
    });
}

void read_patterns(Section& section, std::vector<policies::OwnPattern>& patterns) {
    constexpr std::array<const char*, 9> kKeys{"name", "regex", "class", "never_leaves", "validator", "context", "min_length", "max_length", "score"};
    std::vector<std::map<std::string, std::string>> lines;
    section.list("patterns", [&](Section& entry) {
        policies::OwnPattern& pattern = patterns.emplace_back();
        auto& line = lines.emplace_back();
        for (const auto* key : kKeys) line[key] = entry.line_of(key);
        entry.text("name", pattern.name);
        entry.text("regex", pattern.regex);
        entry.choice("class", pattern.data_class, "internal, confidential or restricted", [](std::string_view text) {
            const auto parsed = core::parse_data_class(text);
            return parsed == core::DataClass::Public ? std::nullopt : parsed;
        });
        entry.flag("never_leaves", pattern.never_leaves);
        entry.text("validator", pattern.validator);
        entry.texts("context", pattern.context);
        constexpr auto kLongest = static_cast<std::int64_t>(policies::OwnPatterns::kMostLength);
        entry.integer("min_length", pattern.min_length, 1, kLongest);
        entry.integer("max_length", pattern.max_length, 1, kLongest);
        entry.number("score", pattern.score, 0, 1);
    });
    for (const auto& problem : policies::OwnPatterns::check(patterns)) {
        if (problem.key.empty()) section.problem("patterns", section.line_of("patterns") + problem.why);
        else section.problem(fmt::format("patterns[{}].{}", problem.pattern, problem.key), lines[problem.pattern][problem.key] + problem.why);
    }
}

bool is_digest(std::string_view text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

bool is_domain(std::string_view text) {
    if (text.starts_with("*.")) text.remove_prefix(2);
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
    return !text.empty() && text.size() <= 253 && text.front() != '.' && std::ranges::all_of(text, fits);
}

void read_allowed(Section& section, policies::AllowedValues& allow) {
    section.texts("values", allow.values);
    for (std::size_t i = 0; i < allow.values.size(); ++i)
        if (allow.values[i].find_first_not_of(" \t\r\n") == std::string::npos) section.problem(fmt::format("values[{}]", i), "is empty");
    section.texts("hashed", allow.hashed);
    for (std::size_t i = 0; i < allow.hashed.size(); ++i)
        if (!is_digest(allow.hashed[i])) section.problem(fmt::format("hashed[{}]", i), "is not what `sluice policy hash` prints: 64 hexadecimal digits");
    section.secret("key", allow.key);
    if (!allow.hashed.empty() && allow.key.expose().size() < 16) section.problem("key", "hashed values need their key, at least 16 characters");
    section.texts("email_domains", allow.email_domains);
    for (std::size_t i = 0; i < allow.email_domains.size(); ++i)
        if (!is_domain(allow.email_domains[i])) section.problem(fmt::format("email_domains[{}]", i), "is not a domain such as example.com or *.example.com");
    section.flag("including_s4", allow.including_s4);
}

// One `findings` of the file, by the path of the map it stands in.
void check_rules(Section& root, const Config& config, const std::string& path, const policies::FindingRules& rules) {
    const auto& patterns = config.sensitivity.patterns;
    const auto pattern_of = [&](const std::string& type) { return std::ranges::find_if(patterns, [&](const auto& one) { return one.type() == type; }); };
    std::vector<std::string> known;
    for (const auto type : policies::built_in_types()) known.emplace_back(type);
    for (const auto& pattern : patterns) known.push_back(pattern.type());
    const auto check = [&](const std::string& where, const std::string& type, bool quieter) {
        const auto own = pattern_of(type);
        if (own == patterns.end() && (type.starts_with(policies::OwnPatterns::kTypePrefix) || !policies::is_built_in_type(type))) {
            const auto near = nearest(type, known);
            root.problem(where, "there is no finding of that type" + (near ? "; did you mean " + *near + "?" : std::string{}));
            return;
        }
        const bool sealed = policies::never_leaves(type) || (own != patterns.end() && own->never_leaves);
        if (sealed && quieter && !rules.including_s4)
            root.problem(where, "findings of this type never leave (credentials, keys, diagnoses, privileged text); whoever wants them "
                                "overlooked says so with including_s4: true beside it");
    };
    for (const auto& type : rules.disabled) check(path + ".findings.disabled", type, true);
    for (const auto& [type, score] : rules.thresholds) check(path + ".findings.thresholds." + type, type, score > config.sensitivity.cut);
}

}  // namespace

void read_sensitivity(Section& section, Config& config) {
    policies::SensitivityConfig& sensitivity = config.sensitivity;
    section.number("cut", sensitivity.cut, 0, 1);
    section.integer("most_findings", sensitivity.most_findings, 1, 100'000);
    read_dictionary(section, config);
    read_patterns(section, sensitivity.patterns);
    read_finding_rules(section, sensitivity.rules);
    section.section("allow", [&](Section& allow) { read_allowed(allow, sensitivity.allow); });
    section.values("classes", [&](const std::string& type, const std::string& value) -> std::optional<std::string> {
        const auto parsed = core::parse_data_class(value);
        if (!parsed) return std::string(kDataClasses);
        sensitivity.classes[type] = *parsed;
        return std::nullopt;
    });
}

void read_finding_rules(Section& section, policies::FindingRules& rules) {
    section.section("findings", [&](Section& findings) {
        findings.values("thresholds", [&](const std::string& type, const std::string& value) -> std::optional<std::string> {
            double score = 0;
            const auto [end, wrong] = std::from_chars(value.data(), value.data() + value.size(), score);
            if (wrong != std::errc{} || end != value.data() + value.size() || !(score >= 0 && score <= 1)) return "a number between 0 and 1";
            rules.thresholds[type] = score;
            return std::nullopt;
        });
        std::vector<std::string> disabled(rules.disabled.begin(), rules.disabled.end());
        findings.texts("disabled", disabled);
        rules.disabled = {disabled.begin(), disabled.end()};
        findings.flag("including_s4", rules.including_s4);
    });
}

void check_finding_rules(Section& root, const Config& config) {
    check_rules(root, config, "sensitivity", config.sensitivity.rules);
    check_rules(root, config, "policies.default", config.policies.fallback.findings);
    for (const auto& [team, policy] : config.policies.teams)
        if (policy.findings != config.policies.fallback.findings) check_rules(root, config, "policies.teams." + team, policy.findings);
}

}  // namespace sluice::gateway
