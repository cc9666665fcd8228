// "anna (at) example [dot] org", "anna dot lund at example dot org": addresses as people write them for other people.
#include "policies/sensitivity/bytes.hpp"
#include "policies/sensitivity/text_view.hpp"

#include <algorithm>
#include <array>

namespace sluice::policies {

namespace {

using detail::is_alnum;

constexpr std::size_t kMostLabel = 64;  // bytes between two marks of one address
constexpr int kMostMarks = 6;           // that one address is followed for

struct Mark {
    char as = '\0';  // '@' or '.'; 0: none
    bool bracketed = false;
    std::size_t end = 0;
};

char meaning(std::string_view word) {
    constexpr std::array<std::string_view, 6> kAts{"at", "@", "arroba", "chez", "bei", "\xc3\xa4t"};
    constexpr std::array<std::string_view, 5> kDots{"dot", ".", "punkt", "punto", "point"};
    const auto is = [&](std::string_view known) { return detail::equal_folded(word, known); };
    if (std::ranges::any_of(kAts, is)) return '@';
    return std::ranges::any_of(kDots, is) ? '.' : '\0';
}

std::size_t skip_blanks(std::string_view text, std::size_t at) {
    std::size_t end = at;
    while (end < text.size() && end < at + 2 && text[end] == ' ') ++end;
    return end;
}

// What stands at `at` behind a letter or digit: blanks, a bracket or none, the word, and again.
Mark mark_at(std::string_view text, std::size_t at) {
    constexpr std::string_view kOpen = "([{<";
    constexpr std::string_view kClose = ")]}>";
    std::size_t i = skip_blanks(text, at);
    if (i >= text.size()) return {};
    const std::size_t bracket = kOpen.find(text[i]);
    Mark out;
    out.bracketed = bracket != std::string_view::npos;
    if (out.bracketed) i = skip_blanks(text, i + 1);
    else if (i == at) return {};
    std::size_t end = i;
    while (end < text.size() && end < i + 7 && text[end] != ' ' && kClose.find(text[end]) == std::string_view::npos) ++end;
    out.as = meaning(text.substr(i, end - i));
    if (out.as == '\0' || (!out.bracketed && end - i == 1)) return {};
    const std::size_t blank = skip_blanks(text, end);
    if (out.bracketed) {
        if (blank >= text.size() || text[blank] != kClose[bracket]) return {};
        out.end = skip_blanks(text, blank + 1);
    } else {
        if (blank == end) return {};
        out.end = blank;
    }
    return out.end < text.size() && is_alnum(text[out.end]) ? out : Mark{};
}

std::size_t label_end(std::string_view text, std::size_t at) {
    std::size_t end = at;
    while (end < text.size() && end < at + kMostLabel && (is_alnum(text[end]) || text[end] == '-' || text[end] == '_' || text[end] == '.')) ++end;
    return end;
}

// Brackets say what they are for. Bare words do so together: an "at" with a "dot" behind it, a "dot" in front of one of them.
bool means_it(std::string_view text, const Mark& mark, int left) {
    if (mark.bracketed) return true;
    if (left == 0) return false;
    const std::size_t end = label_end(text, mark.end);
    const Mark next = mark_at(text, end);
    if (mark.as == '@') return next.as == '.';
    return next.as != '\0' && means_it(text, next, left - 1);
}

}  // namespace

std::optional<TextView> spoken(std::string_view original) {
    TextView view;
    std::size_t copied = 0;
    for (std::size_t i = original.find_first_of(" ([{<", 1); i < original.size(); i = original.find_first_of(" ([{<", i)) {
        const bool follows = is_alnum(original[i - 1]);
        const Mark mark = follows ? mark_at(original, i) : Mark{};
        const bool goes_on = copied > 0 && i - copied < kMostLabel && label_end(original, copied) == i && mark.as == '.';
        if (mark.as == '\0' || !(goes_on || means_it(original, mark, kMostMarks))) {
            ++i;
            continue;
        }
        view.copy(original, copied, i - copied);
        view.replace({&mark.as, 1}, i, mark.end - i);
        copied = i = mark.end;
    }
    if (!view.changed()) return std::nullopt;
    view.copy(original, copied, original.size() - copied);
    return view;
}

}  // namespace sluice::policies
