#include "tests/leak/evasions.hpp"

#include <algorithm>
#include <array>

namespace sluice::testing {

namespace {

using Type = CanaryType;

bool numeric(Type type) {
    return type == Type::Phone || type == Type::Card || type == Type::Ssn || type == Type::Iban;
}
bool any(Type) {
    return true;
}
bool in_one_line(Type type) {
    return type != Type::PrivateKey;
}

std::string each(const std::string& text, const std::function<std::string(char)>& write) {
    std::string out;
    for (const char c : text) out += write(c);
    return out;
}

// A digit of another script, by the UTF-8 bytes in front of its last one.
std::string digits_from(const std::string& text, std::string_view lead, unsigned char zero) {
    return each(text, [&](char c) {
        if (c < '0' || c > '9') return std::string(1, c);
        return std::string{lead} + static_cast<char>(zero + (c - '0'));
    });
}

std::string between(const std::string& text, std::string_view mark, bool only_digits) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        out += text[i];
        const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
        if (i + 1 < text.size() && (!only_digits || (is_digit(text[i]) && is_digit(text[i + 1])))) out += mark;
    }
    return out;
}

std::string fullwidth(const std::string& text) {
    return each(text, [](char c) {
        if (c < '!' || c > '~') return std::string(1, c);
        const unsigned code = 0xff01U + static_cast<unsigned>(c - '!');
        return std::string{static_cast<char>(0xe0U | code >> 12U), static_cast<char>(0x80U | (code >> 6U & 0x3fU)),
                           static_cast<char>(0x80U | (code & 0x3fU))};
    });
}

std::string base64(const std::string& text) {
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 3) {
        std::uint32_t bits = 0;
        const std::size_t have = std::min<std::size_t>(3, text.size() - i);
        for (std::size_t j = 0; j < 3; ++j)
            bits = bits << 8U | (j < have ? static_cast<unsigned char>(text[i + j]) : 0U);
        for (std::size_t j = 0; j < 4; ++j) out += j <= have ? kAlphabet[bits >> (18 - 6 * j) & 63U] : '=';
    }
    return out;
}

// Each byte as a number between `open` and `close`.
std::string as_numbers(const std::string& text, std::string_view open, int base, std::size_t width,
                       std::string_view close) {
    constexpr std::string_view kHex = "0123456789abcdef";
    return each(text, [&](char c) {
        std::string number;
        for (unsigned value = static_cast<unsigned char>(c); value > 0 || number.empty();
             value /= static_cast<unsigned>(base))
            number.insert(0, 1, kHex[value % static_cast<unsigned>(base)]);
        if (number.size() < width) number.insert(0, width - number.size(), '0');
        return std::string{open} + number + std::string{close};
    });
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
    return text;
}

std::string look_alike(const std::string& text) {
    return replaced(replaced(replaced(text, "a", "\xd0\xb0"), "e", "\xd0\xb5"), "o", "\xd0\xbe");
}

std::string digits_as_words(const std::string& text) {
    constexpr std::array<std::string_view, 10> kWords{"zero", "one", "two",   "three", "four",
                                                      "five", "six", "seven", "eight", "nine"};
    std::string out;
    for (const char c : text)
        if (c >= '0' && c <= '9') out += std::string{kWords.at(static_cast<std::size_t>(c - '0'))} + " ";
    return out;
}

struct Gap {
    std::string_view evasion;
    Type type;
};

// What the detectors miss today: to be taken out line by line as views and decoders arrive.
const std::vector<Gap>& gaps() {
    static const std::vector<Gap> all{
#include "tests/leak/known_gaps.inc"
    };
    return all;
}

}  // namespace

const std::vector<Evasion>& evasions() {
    static const std::vector<Evasion> all{
        {"none", [](const std::string& text) { return text; }, any},
        {"zero width space", [](const std::string& text) { return between(text, "\xe2\x80\x8b", false); }, in_one_line},
        {"soft hyphen", [](const std::string& text) { return between(text, "\xc2\xad", false); }, in_one_line},
        {"word joiner", [](const std::string& text) { return between(text, "\xe2\x81\xa0", false); }, in_one_line},
        {"variation selector", [](const std::string& text) { return between(text, "\xef\xb8\x8f", true); }, numeric},
        {"full width", fullwidth, in_one_line},
        {"arabic digits", [](const std::string& text) { return digits_from(text, "\xd9", 0xa0); }, numeric},
        {"devanagari digits", [](const std::string& text) { return digits_from(text, "\xe0\xa5", 0xa6); }, numeric},
        {"mathematical digits", [](const std::string& text) { return digits_from(text, "\xf0\x9d\x9f", 0x8e); },
         numeric},
        {"no-break spaces", [](const std::string& text) { return replaced(text, " ", "\xc2\xa0"); }, numeric},
        {"hyphens for spaces", [](const std::string& text) { return replaced(text, " ", "-"); }, numeric},
        {"no separators", [](const std::string& text) { return replaced(replaced(text, " ", ""), "-", ""); }, numeric},
        {"spaced digits",
         [](const std::string& text) { return between(replaced(replaced(text, " ", ""), "-", ""), " ", true); },
         numeric},
        {"dots between digits",
         [](const std::string& text) { return between(replaced(replaced(text, " ", ""), "-", ""), ".", true); },
         numeric},
        {"line break inside", [](const std::string& text) { return replaced(text, " ", "\n"); }, numeric},
        {"markup inside", [](const std::string& text) { return replaced(text, " ", "**"); }, numeric},
        {"tags inside", [](const std::string& text) { return replaced(text, " ", "</b><b>"); }, numeric},
        {"digits as words", digits_as_words, numeric},
        {"at and dot", [](const std::string& text) { return replaced(replaced(text, "@", " (at) "), ".", " [dot] "); },
         [](Type type) { return type == Type::Email; }},
        {"look-alike letters", look_alike, [](Type type) { return type == Type::Email || type == Type::OrgTerm; }},
        {"upper case",
         [](const std::string& text) {
             return each(text,
                         [](char c) { return std::string(1, static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c)); });
         },
         [](Type type) { return type == Type::Email || type == Type::OrgTerm; }},
        {"base64", base64, any},
        {"base64 twice", [](const std::string& text) { return base64(base64(text)); }, any},
        {"hexadecimal", [](const std::string& text) { return as_numbers(text, "", 16, 2, ""); }, any},
        {"percent", [](const std::string& text) { return as_numbers(text, "%", 16, 2, ""); }, any},
        {"html entities", [](const std::string& text) { return as_numbers(text, "&#", 10, 0, ";"); }, any},
        {"json escapes", [](const std::string& text) { return as_numbers(text, "\\u", 16, 4, ""); }, any},
        {"quoted printable", [](const std::string& text) { return as_numbers(text, "=", 16, 2, ""); }, any},
    };
    return all;
}

bool is_known_gap(std::string_view evasion, CanaryType type) {
    return std::ranges::any_of(gaps(), [&](const Gap& gap) { return gap.evasion == evasion && gap.type == type; });
}

}  // namespace sluice::testing
