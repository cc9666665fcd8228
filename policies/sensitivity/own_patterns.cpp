#include "policies/sensitivity/own_patterns.hpp"

#include "policies/sensitivity/bytes.hpp"
#include "policies/sensitivity/dictionary.hpp"
#include "policies/sensitivity/literal_index.hpp"
#include "policies/sensitivity/pattern_check.hpp"
#include "policies/sensitivity/validators.hpp"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace sluice::policies {

namespace {

constexpr std::size_t kBefore = 40;  // bytes in which a context word counts, as for the built-in detectors
constexpr std::size_t kBehind = 24;

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

// One pattern with what it needs besides its expression.
struct Rule {
    std::string type;
    core::DataClass data_class;
    bool never_leaves;
    std::optional<Validator> validator;
    Dictionary context;
    std::size_t min_length;
    std::size_t max_length;
    double score;
};

// A word beside the match, on its line, or in the name of the member.
bool has_context(const Dictionary& words, std::string_view text, std::string_view key, std::size_t begin, std::size_t end) {
    if (words.empty()) return true;
    std::vector<Dictionary::Match> found;
    words.find(key, found);
    if (!found.empty()) return true;
    // A word that is cut is none: the window begins behind a space.
    std::size_t from = begin - std::min(begin, kBefore);
    if (const auto line = text.rfind('\n', begin); line != std::string_view::npos && begin > 0) from = std::max(from, std::min(line + 1, begin));
    while (from > 0 && from < begin && text[from - 1] != '\n' && text[from - 1] != ' ') ++from;
    words.find(text.substr(from, begin - from), found);
    if (!found.empty()) return true;
    std::size_t to = std::min({text.size(), end + kBehind, std::max(end, text.find('\n', end))});
    while (to > end && to < text.size() && text[to] != '\n' && text[to] != ' ' && text[to - 1] != ' ') --to;
    words.find(text.substr(end, to - end), found);
    return !found.empty();
}

}  // namespace

struct OwnPatterns::Compiled {
    std::vector<Rule> rules;
    re2::FilteredRE2 expressions{static_cast<int>(detail::LiteralIndex::kLeastBytes)};
    detail::LiteralIndex literals;
    std::vector<int> unfiltered;  // run on every text

    bool accept(const Rule& rule, std::string_view text, std::string_view key, std::size_t begin, std::size_t end) const {
        const auto value = text.substr(begin, end - begin);
        const std::size_t length = characters(value);
        if (length < rule.min_length || length > rule.max_length) return false;
        if (rule.validator && !rule.validator->passes(value)) return false;
        return has_context(rule.context, text, key, begin, end);
    }

    // Looks for one pattern, window by window, so that no place costs more than a window whatever the expression.
    bool run(std::size_t index, std::string_view text, std::string_view key, std::size_t& tries, std::vector<Match>& matches) const {
        const Rule& rule = rules[index];
        const RE2& expression = expressions.GetRE2(static_cast<int>(index));
        std::size_t base = 0;
        std::size_t at = 0;
        while (at <= text.size()) {
            const std::size_t limit = std::min(text.size(), base + kWindow);
            re2::StringPiece found;
            if (!expression.Match({text.data(), text.size()}, at, limit, RE2::UNANCHORED, &found, 1)) {
                if (limit == text.size()) return true;
                base = limit - kOverlap;
                at = std::max(at, base);
                continue;
            }
            if (tries == 0) return false;
            --tries;
            const auto begin = static_cast<std::size_t>(found.data() - text.data());
            const std::size_t end = begin + found.size();
            if (end == limit && limit < text.size() && begin > base) {  // it may go on: again with a whole window
                base = at = begin;
                continue;
            }
            at = std::max(end, begin + 1);
            base = std::max(base, at - std::min(at, kOverlap));
            if (found.empty() || !accept(rule, text, key, begin, end)) continue;
            matches.push_back({{rule.type, begin, end, rule.score, "pattern"}, rule.data_class});
        }
        return true;
    }
};

std::string OwnPattern::type() const {
    std::string out{OwnPatterns::kTypePrefix};
    for (const char c : name) out += detail::to_upper(c);
    return out;
}

OwnPatterns::OwnPatterns(const std::vector<OwnPattern>& patterns) {
    if (patterns.empty()) return;
    if (const auto problems = check(patterns); !problems.empty()) throw std::invalid_argument{problems.front().why};
    auto compiled = std::make_shared<Compiled>();
    for (const auto& pattern : patterns) {
        int id = 0;
        if (compiled->expressions.Add(pattern.regex, detail::pattern_options(), &id) != RE2::NoError) throw std::invalid_argument{pattern.name};
        std::vector<DictionaryTerm> words;
        for (const auto& word : pattern.context) words.push_back({word});
        compiled->rules.push_back({.type = pattern.type(),
                                   .data_class = pattern.data_class,
                                   .never_leaves = pattern.never_leaves,
                                   .validator = Validator::named(pattern.validator),
                                   .context = words.empty() ? Dictionary{} : Dictionary{words},
                                   .min_length = pattern.min_length,
                                   .max_length = pattern.max_length,
                                   .score = pattern.score});
    }
    std::vector<std::string> literals;
    compiled->expressions.Compile(&literals);
    compiled->literals = detail::LiteralIndex{std::move(literals)};
    compiled->expressions.AllPotentials({}, &compiled->unfiltered);
    compiled_ = std::move(compiled);
}

std::size_t OwnPatterns::size() const {
    return compiled_ ? compiled_->rules.size() : 0;
}

bool OwnPatterns::find(std::string_view text, std::string_view key, std::vector<Match>& matches) const {
    if (!compiled_) return true;
    thread_local std::vector<int> present;
    thread_local std::vector<int> worth;
    present.clear();
    compiled_->literals.find(text, present);
    if (!present.empty()) compiled_->expressions.AllPotentials(present, &worth);
    std::size_t tries = kMostTries + text.size() / 16;
    for (const int index : present.empty() ? compiled_->unfiltered : worth)
        if (!compiled_->run(static_cast<std::size_t>(index), text, key, tries, matches)) return false;
    return true;
}

bool OwnPatterns::never_leaves(std::string_view type) const {
    return compiled_ && std::ranges::any_of(compiled_->rules, [&](const Rule& rule) { return rule.never_leaves && rule.type == type; });
}

bool OwnPatterns::has_type(std::string_view type) const {
    return compiled_ && std::ranges::find(compiled_->rules, type, &Rule::type) != compiled_->rules.end();
}

}  // namespace sluice::policies
