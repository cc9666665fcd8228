#include "policies/policy_set.hpp"

#include "core/crypto.hpp"

#include <utility>

namespace sluice::policies {

namespace {

// Each part with its length in front: no two configurations describe themselves alike.
class Description {
public:
    void add(std::string_view part) {
        text_ += std::to_string(part.size());
        text_ += ':';
        text_ += part;
    }
    void add(double number) { add(std::to_string(number)); }
    void add(core::DataClass data_class) { add(core::to_string(data_class)); }
    const std::string& text() const { return text_; }

private:
    std::string text_;
};

void describe_patterns(const std::vector<OwnPattern>& patterns, Description& all) {
    for (const auto& pattern : patterns) {
        all.add("pattern");
        all.add(pattern.name);
        all.add(pattern.regex);
        all.add(pattern.data_class);
        all.add(pattern.never_leaves ? "never" : "mask");
        all.add(pattern.validator);
        for (const auto& word : pattern.context) all.add(word);
        all.add(static_cast<double>(pattern.min_length));
        all.add(static_cast<double>(pattern.max_length));
        all.add(pattern.score);
    }
}

std::string version_of(const SensitivityConfig& config, const PolicyBook& book) {
    Description all;
    all.add(book.version());
    all.add(config.cut);
    all.add(std::to_string(config.most_findings));
    for (const auto& [type, data_class] : config.classes) all.add("class"), all.add(type), all.add(data_class);
    describe_patterns(config.patterns, all);
    for (const auto& [type, score] : config.rules.thresholds) all.add("threshold"), all.add(type), all.add(score);
    for (const auto& type : config.rules.disabled) all.add("disabled"), all.add(type);
    all.add(config.rules.including_s4 ? "rules s4" : "");
    for (const auto& value : config.allow.values) all.add("allow"), all.add(value);
    for (const auto& value : config.allow.hashed) all.add("hashed"), all.add(value);
    for (const auto& domain : config.allow.email_domains) all.add("domain"), all.add(domain);
    all.add(core::to_hex(core::sha256(config.allow.key.expose())));
    all.add(config.allow.including_s4 ? "allow s4" : "");
    for (const auto& term : config.dictionary) all.add(term.term), all.add(term.data_class);
    return core::to_hex(core::sha256(all.text())).substr(0, 16);
}

}  // namespace

core::Result<std::shared_ptr<const PolicySet>> PolicySet::make(SensitivityConfig sensitivity, TeamPolicy fallback,
                                                               std::map<std::string, TeamPolicy, std::less<>> teams) {
    auto book = PolicyBook::make(std::move(fallback), std::move(teams));
    if (!book) return book.error();
    if (const auto problems = OwnPatterns::check(sensitivity.patterns); !problems.empty()) {
        const auto& first = problems.front();
        std::string path = "sensitivity.patterns";
        if (!first.key.empty()) path += "[" + std::to_string(first.pattern) + "]." + first.key;
        return core::Error{core::Errc::InvalidRequest, first.why, std::move(path)};
    }
    std::string version = version_of(sensitivity, *book);
    return std::make_shared<const PolicySet>(Classifier{std::move(sensitivity)}, std::move(*book), std::move(version));
}

}  // namespace sluice::policies
