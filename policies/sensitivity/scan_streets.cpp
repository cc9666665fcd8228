// Postal addresses: a number and a street.
#include "policies/sensitivity/proper_words.hpp"
#include "policies/sensitivity/scan.hpp"

#include <algorithm>

namespace sluice::policies::detail {

namespace {

// Digits of a house number that end at `end`, going back; `end` when there is none.
std::size_t number_begin(std::string_view text, std::size_t end) {
    std::size_t begin = end;
    if (begin > 1 && is_alpha(text[begin - 1]) && is_digit(text[begin - 2])) --begin;  // 12b
    while (begin > 0 && end - begin < 6 && is_digit(text[begin - 1])) --begin;
    const bool whole = begin < end && is_digit(text[begin]) && (begin == 0 || !(is_alnum(text[begin - 1]) || text[begin - 1] == '.' || text[begin - 1] == '$'));
    return whole ? begin : end;
}

// Streets run on to the flat, the postcode and the town: up to the end of the sentence or line, three commas at most.
std::size_t address_end(std::string_view text, std::size_t end) {
    std::size_t i = end;
    int parts = 0;
    while (i + 2 < text.size() && parts < 4 && i < end + 64) {
        std::size_t next = i;
        if (text[next] == ',') ++next;
        if (next >= text.size() || text[next] != ' ') break;
        ++next;
        std::size_t stop = next;
        if (!is_digit(text[next]) && !is_capital(text, next)) break;
        while (stop < text.size() && (is_letter(text[stop]) || is_digit(text[stop]) || text[stop] == '-')) ++stop;
        if (stop == next) break;
        i = stop;
        ++parts;
    }
    return i;
}

bool ends_like_a_street(std::string_view word) {
    constexpr std::array<std::string_view, 24> kEndings{"strasse", "straße", "str",    "gasse", "allee", "platz", "ufer",  "damm",
                                                        "gata",    "gatan",  "vagen",  "vägen", "vej",   "vegen", "veien", "gade",
                                                        "straat",  "laan",   "gracht", "plein", "katu",  "tie",   "utca",  "weg"};
    const std::string folded = fold_phrase(word);
    return folded.size() > 5 && std::ranges::any_of(kEndings, [&](auto ending) { return std::string_view{folded}.ends_with(fold_phrase(ending)); });
}

void add_address(Scan& scan, std::size_t begin, std::size_t end, double score) {
    const bool named = scan.near(Context::Address, begin, 60);
    scan.add("ADDRESS", begin, address_end(scan.text, end), named ? 0.85 : score, "street");
}

}  // namespace

void scan_street(Scan& scan, std::size_t word_begin, std::size_t word_end_) {
    if (!is_capital(scan.text, word_begin) && !scan.near(Context::Address, word_begin, 60)) return;
    // Up to four words back to the number.
    std::size_t i = word_begin;
    for (int words = 0; words < 4 && i > 1 && scan.text[i - 1] == ' '; ++words) {
        std::size_t begin = i - 1;
        while (begin > 0 && (is_letter(scan.text[begin - 1]) || scan.text[begin - 1] == '\'' || scan.text[begin - 1] == '.')) --begin;
        if (begin == i - 1) {
            const std::size_t number = number_begin(scan.text, i - 1);
            if (number < i - 1 && words > 0) add_address(scan, number, word_end_, 0.6);
            return;
        }
        if (!is_capital(scan.text, begin) && !scan.near(Context::Address, begin, 60)) return;
        i = begin;
    }
}

void scan_street_first(Scan& scan, std::size_t word_begin, std::size_t word_end_) {
    std::size_t i = word_end_;
    while (i < scan.text.size() && i < word_end_ + 2 && (scan.text[i] == ' ' || scan.text[i] == '.')) ++i;
    bool capital = false;
    for (int words = 0; words < 7 && i < scan.text.size() && i < word_end_ + 56; ++words) {
        if (is_digit(scan.text[i])) {
            std::size_t end = i;
            while (end < scan.text.size() && is_digit(scan.text[end])) ++end;
            if (capital && end - i < 6 && !(scan.at(end) == '.' && is_digit(scan.at(end + 1)))) add_address(scan, word_begin, end, 0.6);
            return;
        }
        capital = capital || is_capital(scan.text, i);
        const std::size_t end = word_end(scan.text, i);
        if (end == i) return;
        i = end;
        while (i < end + 3 && i < scan.text.size() && std::string_view{" ,.\xc2\xba"}.find(scan.text[i]) != std::string_view::npos) ++i;
    }
}

void scan_lives_at(Scan& scan, std::size_t cue_end) {
    std::size_t i = cue_end;
    while (i < cue_end + 4 && (scan.at(i) == ' ' || scan.at(i) == ':')) ++i;
    if (i == cue_end) return;
    // A number and a word, or words and a number, within one line.
    std::size_t numbers = 0;
    std::size_t words = 0;
    std::size_t end = i;
    for (int parts = 0; parts < 6 && end < scan.text.size() && end < i + 56; ++parts) {
        std::size_t stop = end;
        if (is_digit(scan.text[end])) {
            while (is_digit(scan.at(stop))) ++stop;
            if (stop - end > 5) return;
            ++numbers;
        } else {
            stop = word_end(scan.text, end);
            if (stop == end || !is_capital(scan.text, end)) break;
            ++words;
        }
        end = stop;
        if (numbers > 0 && words > 0 && scan.at(end) != ' ') break;
        while (end < stop + 2 && (scan.at(end) == ' ' || scan.at(end) == '.')) ++end;
    }
    if (numbers > 0 && words > 0) scan.add("ADDRESS", i, address_end(scan.text, end), 0.6, "address-cue");
}

void scan_flat(Scan& scan, std::size_t word_begin, std::size_t word_stop) {
    std::size_t i = word_stop;
    while (i < word_stop + 2 && (scan.at(i) == '.' || scan.at(i) == ' ')) ++i;
    const auto word = scan.text.substr(word_begin, word_stop - word_begin);
    const bool military = word.size() == 3 && is_upper(word[0]) && is_upper(word[1]) && is_upper(word[2]) && word.back() == 'O';
    if (military && scan.at(i) == 'A' && is_upper(scan.at(i + 1)) && scan.at(i + 2) == ' ') i += 3;
    std::size_t end = i;
    while (end < i + 5 && is_digit(scan.at(end))) ++end;
    if (end == i) return;
    if (military) {
        if (end - i == 5) scan.add("ADDRESS", word_begin, end, 0.7, "military-post");
        return;
    }
    if (equal_folded(word, "box") || equal_folded(word, "unit") || equal_folded(word, "psc")) return;
    // The house number stands at the end of what is in front.
    std::size_t before = word_begin;
    while (before > 0 && word_begin - before < 4 && std::string_view{" ,\n."}.find(scan.text[before - 1]) != std::string_view::npos) --before;
    const std::size_t number = number_begin(scan.text, before);
    if (number < before) scan.add("ADDRESS", number, end, 0.55, "flat");
}

std::size_t scan_house_number(Scan& scan, std::size_t at) {
    std::size_t end = at;
    while (end < at + 5 && is_digit(scan.at(end))) ++end;
    if (is_digit(scan.at(end)) || end - at > 4) return 0;
    if (is_alpha(scan.at(end)) && !is_alnum(scan.at(end + 1))) ++end;  // 12b
    if (at > 6 && scan.text[at - 1] == ' ') {
        std::size_t begin = at - 1;
        if (scan.text[begin - 1] == '.') --begin;  // Hauptstr. 5
        const std::size_t word_stop = begin;
        while (begin > 0 && at - begin < 32 && is_letter(scan.text[begin - 1])) --begin;
        if (begin < word_stop && is_capital(scan.text, begin) && ends_like_a_street(scan.text.substr(begin, word_stop - begin))) {
            add_address(scan, begin, end, 0.7);
            return end;
        }
    }
    if (scan.at(end) == ' ' && is_capital(scan.text, end + 1)) {
        const std::size_t stop = word_end(scan.text, end + 1);
        if (ends_like_a_street(scan.text.substr(end + 1, stop - end - 1))) {
            add_address(scan, at, stop, 0.6);
            return end;
        }
    }
    return 0;
}

}  // namespace sluice::policies::detail
