#include "policies/sensitivity/placeholder_match.hpp"

#include "policies/sensitivity/bytes.hpp"

#include <array>
#include <string>

namespace sluice::policies::detail {

namespace {

using Kind = PlaceholderMatch::Kind;

struct Brackets {
    std::string_view open;
    std::string_view close;
};
// Longest first where one begins with another. "%5B": in links. "\[": markdown; its end may be written without the '\'.
constexpr std::array<Brackets, 6> kBrackets{Brackets{"\\[", "]"},
                                            Brackets{"[", "]"},
                                            Brackets{"%5b", "%5d"},
                                            Brackets{"\xe3\x80\x90", "\xe3\x80\x91"},
                                            Brackets{"\xef\xbc\xbb", "\xef\xbc\xbd"},
                                            Brackets{"\xe3\x80\x94", "\xe3\x80\x95"}};

constexpr std::size_t kMostWord = 48;  // of a type in brackets, as the model wrote it
constexpr std::size_t kMostSeparators = 4;
constexpr std::size_t kMostDigits = 5;
constexpr std::size_t kMostSpaces = 2;

// Reads one text from its begin; every step says yes, no, or that the text ended too early to know.
class Matcher {
public:
    Matcher(std::string_view text, const PlaceholderMap& map, bool final) : text_(text), map_(map), final_(final) {}

    PlaceholderMatch run() {
        for (const auto& brackets : kBrackets) {
            const Kind opened = starts_with(0, brackets.open);
            if (opened == Kind::More) more_ = true;
            if (opened == Kind::Yes) return in_brackets(brackets);
        }
        PlaceholderMatch match = bare();
        if (match.kind == Kind::No && more_) match.kind = Kind::More;
        return match;
    }

private:
    bool at_end(std::size_t at) const { return at >= text_.size(); }

    Kind starts_with(std::size_t at, std::string_view lower) const {
        for (std::size_t i = 0; i < lower.size(); ++i) {
            if (at_end(at + i)) return final_ ? Kind::No : Kind::More;
            if (to_lower(text_[at + i]) != lower[i]) return Kind::No;
        }
        return Kind::Yes;
    }

    // Skips what may stand between parts. The end of the text may cut a separator of several bytes.
    std::size_t separators(std::size_t at, std::size_t most = kMostSeparators) const {
        for (std::size_t i = 0; i < most; ++i) {
            const std::size_t size = separator_at(text_, at);
            if (size == 0) break;
            at += size;
        }
        return at;
    }
    // True when the text ends at `at`, or inside of what may be a separator.
    bool cut(std::size_t at) const {
        if (final_) return false;
        if (at_end(at)) return true;
        const auto rest = text_.substr(at);
        return rest.size() < 3 && (rest == "\xc2" || rest == "\xe2" || rest == "\xe2\x80");
    }

    // Number and tail, from behind the type. `end` is set behind the tail.
    Kind number_and_tail(std::size_t at, std::size_t& end, const Placeholder*& found) const {
        at = separators(at);
        if (cut(at)) return Kind::More;
        std::size_t digits = at;
        while (!at_end(digits) && digits - at < kMostDigits && is_digit(text_[digits])) ++digits;
        if (digits == at) return Kind::No;
        if (cut(digits)) return Kind::More;
        std::size_t tail_at = separators(digits);
        if (cut(tail_at)) return Kind::More;
        std::string tail;
        while (!at_end(tail_at) && tail.size() < PlaceholderMap::kTailLetters && is_alnum(text_[tail_at]))
            tail += to_lower(text_[tail_at++]);
        if (tail.size() < PlaceholderMap::kTailLetters)
            return !final_ && at_end(tail_at) && map_.may_begin_tail(tail) ? Kind::More : Kind::No;
        found = map_.of_tail(tail);
        end = tail_at;
        return found == nullptr ? Kind::No : Kind::Yes;
    }

    // A type of the map in any spelling, or one word in front of the number: a translation, or nothing.
    PlaceholderMatch in_brackets(const Brackets& brackets) {
        std::size_t begin = brackets.open.size();
        for (std::size_t i = 0; i < kMostSpaces && !at_end(begin) && text_[begin] == ' '; ++i) ++begin;
        if (at_end(begin)) return {final_ ? Kind::No : Kind::More};
        bool more = false;
        const auto behind_type = [&](std::size_t at, PlaceholderMatch& match) {
            std::size_t end = 0;
            const Placeholder* found = nullptr;
            const Kind kind = number_and_tail(at, end, found);
            if (kind == Kind::Yes) match = closed(brackets, begin, end, found);
            return kind;
        };
        PlaceholderMatch match;
        for (const auto& type : map_.types()) {
            std::size_t at = begin;
            Kind kind = read_type(type, at);
            if (kind == Kind::Yes) kind = behind_type(at, match);
            if (kind == Kind::Yes) return match;
            more = more || kind == Kind::More;
        }
        std::size_t word = begin;
        while (!at_end(word) && word - begin < kMostWord && is_word(word)) ++word;
        Kind kind = Kind::No;
        if (!at_end(word)) kind = behind_type(word, match);
        else if (!final_ && word - begin < kMostWord) kind = Kind::More;
        if (kind == Kind::Yes) return match;
        return {more || kind == Kind::More ? Kind::More : Kind::No};
    }

    bool is_word(std::size_t at) const {
        const char c = text_[at];
        return is_alpha(c) || c == '_' || c == '-' || c == '\\' || static_cast<unsigned char>(c) >= 0x80;
    }

    // With its closing bracket, or without both.
    PlaceholderMatch closed(const Brackets& brackets, std::size_t begin, std::size_t end,
                            const Placeholder* found) const {
        std::size_t at = end;
        for (std::size_t i = 0; i < kMostSpaces && !at_end(at) && (text_[at] == ' ' || text_[at] == '*'); ++i) ++at;
        if (!at_end(at) && text_[at] == '\\') ++at;
        const Kind close = starts_with(at, brackets.close);
        if (close == Kind::More) return {Kind::More};
        if (close == Kind::Yes) return {Kind::Yes, at + brackets.close.size(), 0, found};
        return {Kind::Yes, end, begin, found};
    }

    // Without brackets only the types of the map count: "email 1 k7x9q2m4".
    PlaceholderMatch bare() {
        bool more = false;
        for (const auto& type : map_.types()) {
            std::size_t at = 0;
            const Kind typed = read_type(type, at);
            if (typed == Kind::More) more = true;
            if (typed != Kind::Yes) continue;
            std::size_t end = 0;
            const Placeholder* found = nullptr;
            const Kind kind = number_and_tail(at, end, found);
            if (kind == Kind::Yes) return {Kind::Yes, end, 0, found};
            if (kind == Kind::More) more = true;
        }
        return {more ? Kind::More : Kind::No};
    }

    Kind read_type(std::string_view type, std::size_t& at) const {
        for (const char c : type) {
            if (c == '_') {
                at = separators(at);
                if (cut(at)) return Kind::More;
                continue;
            }
            if (at_end(at)) return final_ ? Kind::No : Kind::More;
            if (to_upper(text_[at]) != c) return Kind::No;
            ++at;
        }
        return Kind::Yes;
    }

    std::string_view text_;
    const PlaceholderMap& map_;
    bool final_;
    bool more_ = false;
};

}  // namespace

bool may_begin_placeholder(char first, char before, const PlaceholderMap& map) {
    if (first == '[' || first == '\\' || first == '%' || first == '\xe3' || first == '\xef') return true;
    if (!is_alpha(first) || is_alnum(before)) return false;
    for (const auto& type : map.types())
        if (to_upper(first) == type[0]) return true;
    return false;
}

PlaceholderMatch match_placeholder(std::string_view text, const PlaceholderMap& map, bool final) {
    if (map.empty()) return {};
    return Matcher{text, map, final}.run();
}

}  // namespace sluice::policies::detail
