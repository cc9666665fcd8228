// Escapes: percent, HTML entities, JSON and C, quoted-printable.
#include "policies/sensitivity/bytes.hpp"
#include "policies/sensitivity/text_view.hpp"
#include "policies/sensitivity/unicode.hpp"

#include <array>

namespace sluice::policies {

namespace {

using detail::is_alpha;
using detail::is_digit;
using detail::is_hex;

unsigned hex_value(char c) {
    if (is_digit(c)) return static_cast<unsigned>(c - '0');
    return static_cast<unsigned>(detail::to_lower(c) - 'a' + 10);
}

struct Escape {
    std::string bytes;
    std::size_t size = 0;  // 0: no escape
};

// `count` hexadecimal digits at `at`; the value, or -1.
long hex_at(std::string_view text, std::size_t at, std::size_t count) {
    if (at + count > text.size()) return -1;
    long value = 0;
    for (std::size_t i = at; i < at + count; ++i) {
        if (!is_hex(text[i])) return -1;
        value = value * 16 + static_cast<long>(hex_value(text[i]));
    }
    return value;
}

Escape entity(std::string_view text, std::size_t at) {
    struct Named {
        std::string_view name;
        std::string_view bytes;
    };
    constexpr std::array kNamed{Named{"amp;", "&"},     Named{"lt;", "<"},     Named{"gt;", ">"},      Named{"quot;", "\""}, Named{"apos;", "'"},
                                Named{"nbsp;", " "},    Named{"commat;", "@"}, Named{"period;", "."},  Named{"hyphen;", "-"}, Named{"dash;", "-"},
                                Named{"lowbar;", "_"},  Named{"num;", "#"},    Named{"colon;", ":"},   Named{"sol;", "/"},   Named{"plus;", "+"},
                                Named{"equals;", "="},  Named{"shy;", ""},     Named{"zwnj;", ""},     Named{"zwj;", ""},    Named{"Tab;", "\t"}};
    const auto rest = text.substr(at + 1, 12);
    for (const Named& named : kNamed)
        if (!rest.empty() && rest[0] == named.name[0] && rest.starts_with(named.name)) return {std::string{named.bytes}, named.name.size() + 1};
    if (!rest.starts_with('#')) return {};
    const bool hex = rest.size() > 1 && (rest[1] == 'x' || rest[1] == 'X');
    std::size_t i = hex ? 2 : 1;
    char32_t code = 0;
    const std::size_t first = i;
    while (i < rest.size() && i < first + 7 && (hex ? is_hex(rest[i]) : is_digit(rest[i])))
        code = code * (hex ? 16 : 10) + hex_value(rest[i++]);
    if (i == first || code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
    Escape out;
    append_character(out.bytes, code);
    out.size = i + 1 + (i < rest.size() && rest[i] == ';' ? 1U : 0U);
    return out;
}

Escape backslash(std::string_view text, std::size_t at) {
    const char kind = at + 1 < text.size() ? text[at + 1] : '\0';
    if (kind == 'x') {
        const long value = hex_at(text, at + 2, 2);
        return value > 0 ? Escape{std::string(1, static_cast<char>(value)), 4} : Escape{};
    }
    if (kind == 'n' || kind == 'r' || kind == 't') return {std::string(1, kind == 't' ? '\t' : '\n'), 2};
    if (kind == '"' || kind == '\\' || kind == '/') return {std::string(1, kind), 2};
    if (kind != 'u') return {};
    const bool braces = at + 2 < text.size() && text[at + 2] == '{';
    if (braces) {
        std::size_t i = at + 3;
        char32_t code = 0;
        while (i < text.size() && i < at + 9 && is_hex(text[i])) code = code * 16 + hex_value(text[i++]);
        if (i == at + 3 || i >= text.size() || text[i] != '}' || code > 0x10ffff) return {};
        Escape out;
        append_character(out.bytes, code);
        out.size = i + 1 - at;
        return out;
    }
    const long unit = hex_at(text, at + 2, 4);
    if (unit <= 0) return {};
    auto code = static_cast<char32_t>(unit);
    std::size_t size = 6;
    if (unit >= 0xd800 && unit < 0xdc00 && text.substr(at + 6, 2) == "\\u") {
        const long low = hex_at(text, at + 8, 4);
        if (low >= 0xdc00 && low < 0xe000) code = 0x10000 + ((code - 0xd800) << 10U) + static_cast<char32_t>(low - 0xdc00), size = 12;
    }
    if (code >= 0xd800 && code < 0xe000) code = 0xfffd;  // a surrogate alone
    Escape out;
    append_character(out.bytes, code);
    out.size = size;
    return out;
}

bool hex_behind_sign(std::string_view text, std::size_t at) {
    return at < text.size() && text[at] == '=' && hex_at(text, at + 1, 2) >= 0;
}

Escape escape_at(std::string_view text, std::size_t at) {
    switch (text[at]) {
        case '%': {
            const long value = hex_at(text, at + 1, 2);
            return value >= 0x20 || value == '\n' || value == '\t' ? Escape{std::string(1, static_cast<char>(value)), 3} : Escape{};
        }
        case '&': return entity(text, at);
        case '\\': return backslash(text, at);
        case '=': {
            // Quoted-printable: capitals, and a soft line end.
            if (text.substr(at + 1, 1) == "\n") return {std::string{}, 2};
            if (text.substr(at + 1, 2) == "\r\n") return {std::string{}, 3};
            const long value = hex_at(text, at + 1, 2);
            // Capitals by the standard; small letters only in the midst of others, which no assignment is.
            const bool capitals = value >= 0x20 && !detail::is_lower(text[at + 1]) && !detail::is_lower(text[at + 2]);
            const bool among = (value >= 0x20 || value == '\n') && ((at >= 3 && text[at - 3] == '=') || hex_behind_sign(text, at + 3));
            return capitals || among ? Escape{std::string(1, static_cast<char>(value)), 3} : Escape{};
        }
        default: return {};
    }
}

}  // namespace

std::optional<TextView> unescaped(std::string_view original) {
    // Quoted-printable only where it is used throughout: "x=20" is an assignment.
    std::size_t quoted = 0;
    for (std::size_t i = original.find('='); i != std::string_view::npos && quoted < 3; i = original.find('=', i + 1))
        quoted += escape_at(original, i).size > 0 ? 1U : 0U;
    TextView view;
    std::size_t copied = 0;
    for (std::size_t i = original.find_first_of("%&\\="); i != std::string_view::npos; i = original.find_first_of("%&\\=", i)) {
        const Escape escape = original[i] == '=' && quoted < 3 ? Escape{} : escape_at(original, i);
        if (escape.size == 0) {
            ++i;
            continue;
        }
        view.copy(original, copied, i - copied);
        view.replace(escape.bytes, i, escape.size);
        copied = i += escape.size;
    }
    if (!view.changed()) return std::nullopt;
    view.copy(original, copied, original.size() - copied);
    if (view.text().empty()) return std::nullopt;
    return view;
}

}  // namespace sluice::policies
