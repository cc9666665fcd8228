// Names, addresses and dates of birth by the words that announce them. A model may do better (see person_model.hpp);
// these cues are what works without one.
#include "policies/sensitivity/proper_words.hpp"
#include "policies/sensitivity/scan.hpp"

#include <algorithm>

namespace sluice::policies::detail {

namespace {

// Words with capitals that follow "I am" and "Name:" without being names.
bool is_common_word(std::string_view word) {
    constexpr std::array<std::string_view, 40> kCommon{
        "the",    "this",  "that",   "not",   "new",     "i",       "a",      "an",     "you",   "we",      "please", "thanks", "all",  "team",
        "there",  "and",   "what",   "how",   "why",     "unknown", "none",   "null",   "sir",   "madam",   "german", "french", "american", "english",
        "python", "java",  "linux",  "string", "enter",  "your",    "first",  "last",   "date",  "required", "monday", "example"};
    return std::ranges::any_of(kCommon, [&](auto known) { return equal_folded(word, known); });
}

bool all_capitals(std::string_view words) {
    return std::ranges::none_of(words, is_lower);
}

// Three-byte characters of names in Chinese, Japanese and Korean.
std::size_t east_asian_name(std::string_view text, std::size_t at) {
    std::size_t end = at;
    while (end + 2 < text.size() && end < at + 12) {
        const auto first = static_cast<unsigned char>(text[end]);
        if (first < 0xe4 || first > 0xed) break;  // ideographs and Hangul
        end += 3;
    }
    return end - at >= 6 ? end : at;
}

bool starts_line(const Scan& scan, std::size_t at) {
    std::size_t i = at;
    while (i > scan.line() && (scan.text[i - 1] == ' ' || scan.text[i - 1] == '*' || scan.text[i - 1] == '"' || scan.text[i - 1] == '-')) --i;
    return i == scan.line();
}

}  // namespace

void scan_name(Scan& scan, Context cue, std::size_t cue_begin, std::size_t cue_end) {
    std::size_t i = cue_end;
    bool colon = false;
    const std::string_view skipped = cue == Context::NameIs || cue == Context::Person ? " " : cue == Context::Salutation ? " ." : " \t\"'*:=|";
    while (i < cue_end + 8 && i < scan.text.size() && skipped.find(scan.text[i]) != std::string_view::npos)
        colon = colon || scan.text[i] == ':' || scan.text[i] == '=' || scan.text[i] == '|', ++i;
    if (i < scan.text.size() && scan.text.substr(i).starts_with("\xef\xbc\x9a")) i += 3, colon = true;  // full-width colon
    const bool labels = cue == Context::Name || cue == Context::Sender;
    if (cue == Context::Sender && !(colon && starts_line(scan, cue_begin))) return;
    const ProperWords name = read_proper_words(scan.text, i);
    if (name.count == 0) {
        const std::size_t end = east_asian_name(scan.text, i);
        if (end > i && (colon || cue == Context::NameIs)) scan.add("PERSON", i, end, 0.6, "name-cue");
        return;
    }
    const auto first = scan.text.substr(name.begin, word_end(scan.text, name.begin) - name.begin);
    if (is_common_word(first)) return;
    const std::size_t cue_size = cue_end - cue_begin;
    std::size_t least = 2;
    if (labels && colon && cue != Context::Sender) least = 1;
    if (cue == Context::NameIs && cue_size >= 8) least = 1;  // "my name is", not "i am"
    if (static_cast<unsigned char>(scan.text[cue_begin]) >= 0xd0 && cue == Context::NameIs) least = 1;
    if (name.count < least) return;
    const auto words = scan.text.substr(name.begin, name.end - name.begin);
    if (all_capitals(words) && !colon) return;
    double score = cue == Context::Salutation ? 0.45 : 0.6;
    if (labels && !colon) score = 0.55;
    if (cue == Context::NameIs) score = 0.7;
    scan.add("PERSON", name.begin, name.end, score, "name-cue");
}

namespace {

bool reads_digit(const Scan& scan, std::size_t at) {
    return is_digit(scan.at(at));
}

// The end of a date at `at`: 12/07/1948, 1948-07-12, 12 July 1948, July 12, 1948, 12. Juli 1948, 1948年7月12日.
std::size_t date_end(const Scan& scan, std::size_t at) {
    std::size_t i = at;
    std::size_t numbers = 0;
    std::size_t words = 0;
    bool year = false;
    while (i < at + 32 && i < scan.text.size()) {
        if (reads_digit(scan, i)) {
            std::size_t end = i;
            while (reads_digit(scan, end)) ++end;
            const std::size_t size = end - i;
            if (size == 4) {
                const auto value = scan.text.substr(i, 4);
                if (value < "1900" || value > "2035") return 0;
                year = true;
            } else if (size > 2) return 0;
            ++numbers;
            i = end;
            if (numbers == 3 || (words > 0 && numbers == 2)) return year || words == 0 ? i : 0;
        } else if (is_letter(scan.text[i])) {
            const auto byte = static_cast<unsigned char>(scan.text[i]);
            if (byte >= 0xe0) {
                i += 3;  // 年 and 月
                continue;
            }
            const std::size_t end = word_end(scan.text, i);
            if (end - i < 2 || ++words > 4) return 0;
            i = end;
        } else if (std::string_view{" ./-,"}.find(scan.text[i]) != std::string_view::npos) ++i;
        else return 0;
    }
    return 0;
}

}  // namespace

void scan_birth(Scan& scan, std::size_t cue_end) {
    std::size_t i = cue_end;
    for (int words = 0; words < 3 && i < scan.text.size() && i < cue_end + 24; ++words) {
        while (i < scan.text.size() && std::string_view{" :=\"'*|\t(."}.find(scan.text[i]) != std::string_view::npos) ++i;
        if (const std::size_t end = date_end(scan, i)) {
            scan.add("DATE_OF_BIRTH", i, end, 0.85, "birth-cue");
            return;
        }
        while (i < scan.text.size() && is_letter(scan.text[i])) ++i;
    }
}

}  // namespace sluice::policies::detail
