#include "policies/sensitivity/proper_words.hpp"

#include <algorithm>
#include <array>

namespace sluice::policies::detail {

bool is_capital(std::string_view text, std::size_t at) {
    if (at >= text.size()) return false;
    if (is_upper(text[at])) return true;
    const auto first = static_cast<unsigned char>(text[at]);
    const auto second = at + 1 < text.size() ? static_cast<unsigned char>(text[at + 1]) : 0U;
    if (first == 0xc3) return second >= 0x80 && second <= 0x9e;                 // À to Þ
    if (first == 0xc4 || first == 0xc5) return true;                            // Latin Extended-A: either case
    if (first == 0xce) return second >= 0x86 && second <= 0xa9;                 // Greek
    return first == 0xd0 && second >= 0x80 && second <= 0xaf;                   // Cyrillic
}

std::size_t word_end(std::string_view text, std::size_t at) {
    constexpr std::size_t kMostWord = 40;
    std::size_t end = at;
    while (end < text.size() && end < at + kMostWord) {
        const char c = text[end];
        if (is_letter(c)) {
            // Marks of other scripts ("，", "。", no-break spaces) end a word.
            const auto byte = static_cast<unsigned char>(c);
            if (byte == 0xe3 || byte == 0xef || (byte == 0xe2 && text.substr(end).substr(0, 3) != "\xe2\x80\x99") || byte == 0xc2) break;
            ++end;
        } else if ((c == '\'' || c == '-') && end > at && end + 1 < text.size() && is_letter(text[end + 1])) ++end;
        else break;
    }
    return end;
}

ProperWords read_proper_words(std::string_view text, std::size_t at) {
    constexpr std::array<std::string_view, 22> kBetween{"de",  "da",  "do",  "dos", "del", "della", "di",  "la", "le", "van", "von",
                                                        "der", "den", "ten", "ter", "bin", "ibn",   "al",  "el", "y",  "e",   "zu"};
    constexpr std::size_t kMostWords = 6;
    ProperWords out{at, at, 0};
    std::size_t i = at;
    for (std::size_t words = 0; words < kMostWords; ++words) {
        const std::size_t end = word_end(text, i);
        if (end == i) break;
        const auto word = text.substr(i, end - i);
        if (is_capital(text, i)) {
            out.end = end;
            if (word.size() > 1) ++out.count;
            if (word.size() == 1 && end < text.size() && text[end] == '.') out.end = end + 1;
        } else if (out.count == 0 || std::ranges::find(kBetween, word) == kBetween.end()) break;
        i = std::max(out.end, end);
        if (i >= text.size() || text[i] != ' ') break;
        ++i;
    }
    return out;
}

}  // namespace sluice::policies::detail
