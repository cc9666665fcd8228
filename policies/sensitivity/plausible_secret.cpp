// What tells a secret from a placeholder, a reference, a type name or plain words.
#include "policies/sensitivity/scan.hpp"

#include <algorithm>

namespace sluice::policies::detail {

namespace {

struct Makeup {
    std::size_t lower = 0;
    std::size_t upper = 0;
    std::size_t digits = 0;
    std::size_t symbols = 0;
    std::size_t distinct = 0;
    std::size_t masked = 0;  // '*', 'x', 'X', '.', '#'
    std::size_t classes() const {
        return (lower > 0 ? 1U : 0U) + (upper > 0 ? 1U : 0U) + (digits > 0 ? 1U : 0U) + (symbols > 0 ? 1U : 0U);
    }
};

Makeup makeup_of(std::string_view value) {
    Makeup out;
    std::array<bool, 256> seen{};
    for (const char c : value) {
        auto& known = seen[static_cast<unsigned char>(c)];
        out.distinct += known ? 0U : 1U;
        known = true;
        if (is_lower(c)) ++out.lower;
        else if (is_upper(c)) ++out.upper;
        else if (is_digit(c)) ++out.digits;
        else ++out.symbols;
        if (std::string_view{"*xX.#"}.find(c) != std::string_view::npos) ++out.masked;
    }
    return out;
}

bool contains_folded(std::string_view value, std::string_view lower) {
    const auto equal = [](char a, char b) { return to_lower(a) == b; };
    return std::search(value.begin(), value.end(), lower.begin(), lower.end(), equal) != value.end();
}

// References to where the secret is kept, and code that fetches it.
bool is_reference(std::string_view value, Quoted quoted) {
    constexpr std::array<std::string_view, 14> kStarts{"${", "$(",   "{{",  "$",        "<",      "%(",   "%{",
                                                       "#{", "env.", "os.", "process.", "vault:", "ssm:", "arn:"};
    if (std::ranges::any_of(kStarts, [&](auto start) { return value.starts_with(start); })) return true;
    if (value.starts_with("ENC[") || value.starts_with("http://") || value.starts_with("https://") ||
        value.starts_with("./"))
        return true;
    if (value.find("${") != std::string_view::npos || value.find("{{") != std::string_view::npos) return true;
    if (quoted == Quoted::Yes)
        return value.starts_with("/") && std::ranges::count(value, '/') > 1 &&
               value.find('.') != std::string_view::npos;
    return value.starts_with("/") || value.starts_with("{") || value.starts_with("[") || value.starts_with("&") ||
           value.find('(') != std::string_view::npos;
}

bool is_placeholder(std::string_view value) {
    while (value.ends_with('?')) value.remove_suffix(1);  // types that may be null: String?
    constexpr std::array<std::string_view, 12> kParts{"your_",     "your-",     "yourpass",    "changeme",
                                                      "change_me", "change-me", "placeholder", "redacted",
                                                      "dummy",     "insert_",   "replace_",    "<"};
    if (std::ranges::any_of(kParts, [&](auto part) { return contains_folded(value, part); })) return true;
    constexpr std::array<std::string_view, 24> kWords{
        "password", "passwd", "secret", "token",     "apikey",  "api_key", "none",  "null",
        "nil",      "true",   "false",  "undefined", "string",  "str",     "text",  "required",
        "optional", "hidden", "bearer", "example",   "default", "unknown", "empty", "test"};
    return std::ranges::any_of(kWords, [&](auto word) { return equal_folded(value, word); });
}

}  // namespace

bool plausible_secret(std::string_view value, SecretKind kind, Quoted quoted) {
    const std::size_t least = kind == SecretKind::Token ? 8 : quoted == Quoted::Yes ? 4 : 6;
    if (value.size() < least || is_reference(value, quoted) || is_placeholder(value)) return false;
    const Makeup makeup = makeup_of(value);
    if (makeup.distinct < 4 || makeup.masked * 10 >= value.size() * 6) return false;
    const bool spaces = value.find(' ') != std::string_view::npos;
    if (kind == SecretKind::Token) {
        if (spaces || makeup.lower + makeup.upper == 0 || makeup.distinct < 6) return false;
        return makeup.digits > 0 ? looks_generated(value) || (value.size() >= 11 && mixed_enough(value) && makeup.digits >= 3)
                                 : makeup.lower > 0 && makeup.upper > 1 && value.size() >= 16 && makeup.symbols == 0;
    }
    if (makeup.digits == value.size()) return quoted == Quoted::Yes && value.size() >= 6;
    if (spaces && value.size() > 40) return false;
    const bool prose = makeup.digits == 0 && makeup.upper <= 1 && std::ranges::all_of(value, [](char c) {
                           return is_alpha(c) || c == ' ' || c == '.' || c == ',' || c == '_' || c == '-';
                       });
    if (quoted == Quoted::Yes) return !prose || (!spaces && makeup.symbols == 0 && value.size() >= 12);
    const bool identifier = makeup.digits == 0 && std::ranges::all_of(value, [](char c) {
                                return is_alpha(c) || c == '_' || c == '.' || c == '-';
                            });
    return !prose && !identifier && makeup.classes() >= 2;
}

}  // namespace sluice::policies::detail
