// Values that were taken apart: by tags, emphasis, line breaks, or blanks between all their characters.
#include "policies/sensitivity/bytes.hpp"
#include "policies/sensitivity/text_view.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace sluice::policies {

namespace {

using detail::is_alnum;
using detail::is_digit;
using detail::is_space;

bool in_value(char c) {
    return is_alnum(c) || c == '@' || c == '.' || c == '+' || c == '-' || c == '_' || c == '/' || c == ' ';
}

bool holds_digit(std::string_view text) {
    return std::ranges::any_of(text, is_digit);
}

// Of a tag, comment or mark of emphasis that stands inside a value: its length, otherwise 0.
std::size_t markup_at(std::string_view text, std::size_t at) {
    constexpr std::size_t kMostTag = 48;
    constexpr std::size_t kMostTags = 4;
    std::size_t i = at;
    for (std::size_t tags = 0; tags < kMostTags && i < text.size(); ++tags) {
        if (text[i] == '<') {
            const auto close = text.substr(i, kMostTag).find('>');
            if (close == std::string_view::npos || close < 2) break;
            i += close + 1;
        } else if (text[i] == '*' || text[i] == '`' || text[i] == '~' || (text[i] == '_' && i + 1 < text.size() && text[i + 1] == '_')) {
            const char mark = text[i];
            while (i < text.size() && text[i] == mark && i < at + 8) ++i;
        } else break;
    }
    return i - at;
}

// A line break inside a value: a digit or an '@' near it on both sides of a token that would go on.
std::size_t line_break_at(std::string_view text, std::size_t at) {
    std::size_t end = at;
    while (end < text.size() && end < at + 6 && is_space(text[end])) ++end;
    if (end >= text.size() || at == 0 || std::count(text.begin() + static_cast<std::ptrdiff_t>(at), text.begin() + static_cast<std::ptrdiff_t>(end), '\n') != 1) return 0;
    if (!in_value(text[at - 1]) || !in_value(text[end])) return 0;
    const auto before = text.substr(at - std::min<std::size_t>(at, 6), std::min<std::size_t>(at, 6));
    const auto behind = text.substr(end, 6);
    if (text[end] == '@' || text[at - 1] == '@') return end - at;
    return holds_digit(before) && holds_digit(behind) ? end - at : 0;
}

// Characters each apart from the next by the same one or two others: at least eight of them, `step` bytes from one to the next.
struct Apart {
    std::size_t begin = 0;
    std::size_t step = 1;
    std::size_t count = 0;
    std::size_t end = 0;   // 0: there are none
    std::size_t stop = 0;  // how far it was looked at
    bool digits = true;    // all of them

    std::size_t place(std::size_t i) const { return begin + i * step; }
};

bool may_stand_apart(char c) {
    return is_alnum(c) || c == '@' || c == '+' || c == '.' || c == '-' || c == '_';
}

constexpr bool sets_apart(char c) {
    return c == ' ' || c == '.' || c == '-' || c == '_' || c == '/' || c == '|' || c == ',';
}

Apart apart_at(std::string_view text, std::size_t at) {
    constexpr std::size_t kLeast = 8;
    constexpr std::size_t kMost = 64;
    Apart out;
    if (at > 0 && is_alnum(text[at - 1])) return out;
    out.begin = at;
    std::size_t i = at;
    std::string_view gap;
    while (out.count < kMost && i < text.size()) {
        if (!may_stand_apart(text[i])) break;
        if (i + 1 < text.size() && is_alnum(text[i]) && is_alnum(text[i + 1])) break;
        // "5 9 6 9 1 6 9 7 4 a lle": a number is over where a letter comes.
        if (out.count >= kLeast && out.digits && detail::is_alpha(text[i])) break;
        ++out.count;
        out.digits = out.digits && is_digit(text[i]);
        if (gap.empty()) {
            std::size_t stop = i + 1;
            while (stop < text.size() && stop < i + 4 && sets_apart(text[stop])) ++stop;
            gap = text.substr(i + 1, stop - i - 1);
        }
        // A character that is itself a mark ("a n n a . b") stands between two gaps.
        if (gap.empty() || text.substr(i + 1, gap.size()) != gap) {
            ++i;
            break;
        }
        i += 1 + gap.size();
    }
    out.stop = i;
    out.step = 1 + gap.size();
    if (out.count >= kLeast && gap != ",") out.end = out.place(out.count - 1) + 1;
    return out;
}

// Nine or ten digits are written the way people write such numbers, so that the detectors see a number and not a sum.
void append_together(TextView& view, std::string_view text, const Apart& apart) {
    for (std::size_t i = 0; i < apart.count; ++i) {
        const std::array bytes{text[apart.place(i)], '-'};
        const bool mark = apart.digits && ((apart.count == 9 && (i == 2 || i == 4)) || (apart.count == 10 && (i == 2 || i == 5)));
        view.replace({bytes.data(), mark ? 2U : 1U}, apart.place(i), 1);
    }
}

}  // namespace

namespace {

// What joined() asks of a byte; bits of the table below.
constexpr unsigned kMarkup = 1;    // a tag, emphasis or a line break may begin
constexpr unsigned kStands = 2;    // may begin what is written apart
constexpr unsigned kSets = 4;      // may stand between its characters
constexpr unsigned kOfAWord = 8;

constexpr std::array<std::uint8_t, 256> kKinds = [] {
    std::array<std::uint8_t, 256> kinds{};
    for (std::size_t c = 0; c < kinds.size(); ++c) {
        const char byte = static_cast<char>(c);
        const bool mark = byte == '<' || byte == '*' || byte == '`' || byte == '~' || byte == '_' || byte == '\n' || byte == '\r';
        kinds[c] = static_cast<std::uint8_t>((mark ? kMarkup : 0U) | (is_alnum(byte) || byte == '+' ? kStands : 0U) | (sets_apart(byte) ? kSets : 0U) |
                                             (is_alnum(byte) ? kOfAWord : 0U));
    }
    return kinds;
}();

// From `at` on, the first byte at which joined() has something to ask: of prose and of numbers in a row that is few.
std::size_t next_of_interest(std::string_view text, std::size_t at) {
    const auto kind_of = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned>(kKinds[static_cast<unsigned char>(text[i])]) : 0U; };
    unsigned before = at > 0 ? kind_of(at - 1) : 0U;
    unsigned kind = kind_of(at);
    for (std::size_t i = at; i < text.size(); ++i) {
        const unsigned next = kind_of(i + 1);
        if ((kind & kMarkup) != 0 || ((kind & kStands) != 0 && (next & kSets) != 0 && (before & kOfAWord) == 0)) return i;
        before = kind;
        kind = next;
    }
    return text.size();
}

}  // namespace

std::optional<TextView> joined(std::string_view original) {
    TextView view;
    std::size_t copied = 0;
    std::size_t not_apart = 0;  // up to here nothing is written apart
    for (std::size_t i = 0; i < original.size();) {
        i = next_of_interest(original, i);
        if (i == original.size()) break;
        const char c = original[i];
        if (i >= not_apart && (is_alnum(c) || c == '+') && i + 2 < original.size() && !is_alnum(original[i + 1])) {
            const Apart apart = apart_at(original, i);
            if (apart.end > 0) {
                view.copy(original, copied, i - copied);
                append_together(view, original, apart);
                copied = i = apart.end;
                continue;
            }
            not_apart = std::max(i + 1, apart.stop);
        }
        std::size_t out = 0;
        if (c == '<' || c == '*' || c == '`' || c == '~' || c == '_') {
            out = i > 0 && in_value(original[i - 1]) ? markup_at(original, i) : 0;
            if (out > 0 && (i + out >= original.size() || !in_value(original[i + out]))) out = 0;
            if (c == '_' && out < 2) out = 0;
        } else if (c == '\n' || c == '\r') {
            std::size_t begin = i;
            while (begin > 0 && i - begin < 4 && original[begin - 1] == ' ') --begin;
            out = line_break_at(original, begin);
            if (out > 0) out = begin + out - i;
        }
        if (out == 0) {
            ++i;
            continue;
        }
        view.copy(original, copied, i - copied);
        view.skip();
        copied = i += out;
    }
    if (!view.changed()) return std::nullopt;
    view.copy(original, copied, original.size() - copied);
    if (view.text().empty()) return std::nullopt;
    return view;
}

}  // namespace sluice::policies
