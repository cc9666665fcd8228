#include "tests/leak/leak_check.hpp"

#include <array>
#include <cstdint>

namespace sluice::testing {

namespace {

int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    if (c == '/' || c == '_') return 63;
    return -1;
}

// "%41", "=41", "&#65;", "&#x41;", "\u0041", "\n" and the like: ASCII only, which canaries are.
std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto rest = text.substr(i);
        if ((rest[0] == '%' || rest[0] == '=') && rest.size() > 2 && hex(rest[1]) >= 0 && hex(rest[2]) >= 0) {
            out += static_cast<char>(hex(rest[1]) * 16 + hex(rest[2]));
            i += 2;
        } else if (rest.starts_with("\\u") && rest.size() > 5 && hex(rest[2]) == 0 && hex(rest[3]) == 0 &&
                   hex(rest[4]) >= 0 && hex(rest[5]) >= 0) {
            out += static_cast<char>(hex(rest[4]) * 16 + hex(rest[5]));
            i += 5;
        } else if (rest[0] == '\\' && rest.size() > 1) {
            out += rest[1] == 'n' ? '\n' : rest[1];
            ++i;
        } else if (rest.starts_with("&#")) {
            const bool x = rest.size() > 2 && (rest[2] | 0x20) == 'x';
            std::size_t at = x ? 3 : 2;
            unsigned value = 0;
            while (at < rest.size() && at < 9 && hex(rest[at]) >= 0 && (x || hex(rest[at]) < 10))
                value = value * (x ? 16U : 10U) + static_cast<unsigned>(hex(rest[at++]));
            if (at < rest.size() && rest[at] == ';' && value < 128) {
                out += static_cast<char>(value);
                i += at;
            } else {
                out += rest[0];
            }
        } else {
            out += rest[0];
        }
    }
    return out;
}

void append_base64(std::string_view text, std::string& out) {
    for (std::size_t i = 0; i < text.size();) {
        std::size_t end = i;
        while (end < text.size() && base64_value(text[end]) >= 0) ++end;
        if (end - i >= 12) {
            std::uint32_t bits = 0;
            int held = 0;
            for (std::size_t j = i; j < end; ++j) {
                bits = bits << 6U | static_cast<std::uint32_t>(base64_value(text[j]));
                held += 6;
                if (held >= 8) {
                    held -= 8;
                    out += static_cast<char>(bits >> static_cast<unsigned>(held) & 0xffU);
                }
            }
            out += '\n';
        }
        i = end + 1;
    }
}

void append_hex(std::string_view text, std::string& out) {
    for (std::size_t i = 0; i < text.size();) {
        std::size_t end = i;
        while (end < text.size() && hex(text[end]) >= 0) ++end;
        if (end - i >= 12) {
            for (std::size_t j = i; j + 1 < end; j += 2) out += static_cast<char>(hex(text[j]) * 16 + hex(text[j + 1]));
            out += '\n';
        }
        i = end + 1;
    }
}

// First code points of decimal digits that canaries are written in.
constexpr std::array<char32_t, 5> kZeros{0x660, 0x6f0, 0x966, 0x1d7ce, 0xff10};

char plain(char32_t c) {
    if (c >= 0xff01 && c <= 0xff5e) return static_cast<char>(c - 0xff01 + '!');
    for (const auto zero : kZeros)
        if (c >= zero && c <= zero + 9) return static_cast<char>('0' + (c - zero));
    if (c == 0x430) return 'a';
    if (c == 0x435) return 'e';
    if (c == 0x43e) return 'o';
    return '\0';
}

}  // namespace

std::string bare(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        const auto first = static_cast<unsigned char>(text[i]);
        const std::size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        char c = text[i];
        if (size > 1) {
            char32_t code = first & (0xffU >> (size + 1));
            for (std::size_t j = 1; j < size && i + j < text.size(); ++j)
                code = code << 6U | (static_cast<unsigned char>(text[i + j]) & 0x3fU);
            c = plain(code);
        }
        i += size;
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
    }
    return out;
}

LeakCheck::LeakCheck(std::string_view bytes) {
    add(bytes, 2);
    bare_ = bare(raw_);
}

void LeakCheck::add(std::string_view bytes, int depth) {
    raw_.append(bytes);
    raw_ += '\n';
    if (depth == 0) return;
    const std::string plain_text = unescaped(bytes);
    if (plain_text != bytes) add(plain_text, depth - 1);
    std::string decoded;
    append_base64(bytes, decoded);
    append_hex(bytes, decoded);
    if (!decoded.empty()) add(decoded, depth - 1);
}

bool LeakCheck::holds(std::string_view value) const {
    return raw_.find(value) != std::string::npos || bare_.find(bare(value)) != std::string::npos;
}

}  // namespace sluice::testing
