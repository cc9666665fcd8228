#include "policies/sensitivity/pattern_check.hpp"

#include "policies/sensitivity/bytes.hpp"
#include "policies/sensitivity/dictionary.hpp"
#include "policies/sensitivity/validators.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace sluice::policies {

namespace {

using namespace std::string_view_literals;
using Problems = std::vector<OwnPatterns::Problem>;

// Texts that have nothing in common: a pattern that finds something in half of them finds something everywhere.
constexpr auto kOrdinary = std::to_array<std::string_view>(
    {"Please summarise the attached minutes in 3 short points."sv, "What is the capital of France?"sv,
     "2024-06-30 12:00:07 job finished, 14 of 15 steps done"sv, "Schreib mir bitte ein Gedicht \xc3\xbc""ber den Herbst."sv,
     "for (int i = 0; i < 10; ++i) sum += a[i];"sv, "hello"sv, "7"sv, "why does my cake never rise in the oven"sv});
constexpr std::size_t kTooMany = kOrdinary.size() / 2;

// True when the expression can match nothing at all between some two characters. Every assertion of RE2 looks at the
// characters left and right only: none, a line break, a word's or another.
bool matches_nothing(const RE2& expression) {
    constexpr auto kSides = std::to_array<std::string_view>({""sv, "\n"sv, "a"sv, " "sv});
    for (const auto left : kSides)
        for (const auto right : kSides) {
            const std::string text = std::string{left} + std::string{right};
            if (expression.Match(text, left.size(), left.size(), RE2::ANCHOR_BOTH, nullptr, 0)) return true;
        }
    return false;
}

std::size_t ordinary_texts_found(const OwnPattern& pattern, const RE2& expression) {
    const auto validator = Validator::named(pattern.validator);
    return static_cast<std::size_t>(std::ranges::count_if(kOrdinary, [&](std::string_view text) {
        re2::StringPiece rest{text.data(), text.size()};
        re2::StringPiece match;
        std::size_t at = 0;
        while (expression.Match({text.data(), text.size()}, at, text.size(), RE2::UNANCHORED, &match, 1) && !match.empty()) {
            const std::string_view value{match.data(), match.size()};
            const bool fits = value.size() >= pattern.min_length && value.size() <= pattern.max_length;
            if (fits && (!validator || validator->passes(value))) return true;
            at = static_cast<std::size_t>(match.data() - text.data()) + match.size();
        }
        return false;
    }));
}

// "\C" is a byte, not a character: a finding could begin in the midst of one.
bool names_single_bytes(std::string_view regex) {
    for (std::size_t i = 0; i + 1 < regex.size(); ++i) {
        if (regex[i] != '\\') continue;
        if (regex[++i] == 'C') return true;
    }
    return false;
}

void check_name(const OwnPattern& pattern, const auto& refuse) {
    const auto fits = [](char c) { return detail::is_alnum(c) || c == '_'; };
    if (pattern.name.empty() || pattern.name.size() > OwnPatterns::kMostNameBytes || !detail::is_alpha(pattern.name.front()) ||
        !std::ranges::all_of(pattern.name, fits))
        refuse("name", "needs letters, digits and '_', a letter first, at most " + std::to_string(OwnPatterns::kMostNameBytes) +
                           ": its findings are called " + std::string{OwnPatterns::kTypePrefix} + "NAME");
}

// Returns the steps it compiles to.
int check_regex(const OwnPattern& pattern, const auto& refuse) {
    if (pattern.regex.empty()) return refuse("regex", "is needed: a regular expression in RE2's syntax"), 0;
    if (pattern.regex.size() > OwnPatterns::kMostRegexBytes)
        return refuse("regex", "is longer than " + std::to_string(OwnPatterns::kMostRegexBytes) + " bytes"), 0;
    if (names_single_bytes(pattern.regex)) return refuse("regex", "\\C stands for a byte; write . for a character"), 0;
    const RE2 expression{pattern.regex, detail::pattern_options()};
    if (!expression.ok()) {
        const std::string about = expression.error_arg();
        return refuse("regex", "RE2 does not accept it: " + expression.error() + (about.size() > 60 || expression.error().find(about) != std::string::npos ? "" : " `" + about + "`")), 0;
    }
    const int steps = std::max(expression.ProgramSize(), expression.ReverseProgramSize());
    if (steps > OwnPatterns::kMostSteps)
        return refuse("regex", "compiles to " + std::to_string(steps) + " steps, more than " + std::to_string(OwnPatterns::kMostSteps) +
                                   ": use smaller repetitions, and max_length instead of a long {n,m}"), steps;
    if (matches_nothing(expression)) return refuse("regex", "matches the empty text, so it would be found everywhere"), steps;
    if (const auto found = ordinary_texts_found(pattern, expression); pattern.context.empty() && found >= kTooMany)
        refuse("regex", "matches ordinary text (" + std::to_string(found) + " of " + std::to_string(kOrdinary.size()) +
                            " harmless samples): add fixed letters, a length, a validator or context words");
    return steps;
}

void check_context(const OwnPattern& pattern, const auto& refuse) {
    if (pattern.context.size() > OwnPatterns::kMostContextWords)
        refuse("context", "has more than " + std::to_string(OwnPatterns::kMostContextWords) + " words");
    for (const auto& word : pattern.context)
        if (Dictionary({{word}}).empty()) return refuse("context", "every entry needs a letter or digit, and at most " + std::to_string(Dictionary::kMostTermBytes) + " bytes");
}

}  // namespace

RE2::Options detail::pattern_options() {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(std::int64_t{1} << 20U);
    return options;
}

Problems OwnPatterns::check(const std::vector<OwnPattern>& patterns) {
    Problems problems;
    if (patterns.size() > kMostPatterns) {
        problems.push_back({0, "", "has more than " + std::to_string(kMostPatterns) + " entries; a dictionary holds fixed texts"});
        return problems;
    }
    std::set<std::string> types;
    int steps = 0;
    for (std::size_t i = 0; i < patterns.size(); ++i) {
        const OwnPattern& pattern = patterns[i];
        const auto refuse = [&](const char* key, std::string why) { problems.push_back({i, key, std::move(why)}); };
        check_name(pattern, refuse);
        if (!types.insert(pattern.type()).second) refuse("name", "is taken by an earlier pattern");
        if (!pattern.validator.empty() && !Validator::named(pattern.validator))
            refuse("validator", "there is no such validator; known are " + Validator::names());
        if (pattern.min_length < 1 || pattern.max_length > kMostLength || pattern.min_length > pattern.max_length)
            refuse("max_length", "must be at least min_length and at most " + std::to_string(kMostLength));
        check_context(pattern, refuse);
        steps += check_regex(pattern, refuse);
    }
    if (steps > kMostStepsInAll)
        problems.push_back({0, "", "compile to " + std::to_string(steps) + " steps together, more than " + std::to_string(kMostStepsInAll)});
    return problems;
}

}  // namespace sluice::policies
