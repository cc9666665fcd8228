#include "local_engine/grammar/text_cursor.hpp"

#include "local_engine/tokenizer/unicode.hpp"

#include <algorithm>

namespace sluice::local_engine {

bool TextCursor::take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
}

std::optional<std::uint32_t> TextCursor::character() {
    if (at_end()) return std::nullopt;
    const Character character = first_character(text_.substr(at_, 4));
    if (character.code_point == kInvalid) return std::nullopt;
    at_ += character.length;
    return static_cast<std::uint32_t>(character.code_point);
}

std::optional<std::uint32_t> TextCursor::hex(int digits) {
    std::uint32_t value = 0;
    for (int i = 0; i < digits; ++i) {
        const char c = peek();
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) return std::nullopt;
        value = value << 4U | static_cast<std::uint32_t>(digit);
        ++at_;
    }
    return value;
}

std::optional<std::int32_t> TextCursor::number(std::int32_t most) {
    std::int64_t value = -1;
    while (peek() >= '0' && peek() <= '9') {
        value = std::max<std::int64_t>(value, 0) * 10 + (next() - '0');
        if (value > most) return std::nullopt;
    }
    if (value < 0) return std::nullopt;
    return static_cast<std::int32_t>(value);
}

std::size_t TextCursor::line() const {
    return 1 + static_cast<std::size_t>(std::ranges::count(text_.substr(0, at_), '\n'));
}

void append_utf8(std::string& out, std::uint32_t code) {
    const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80U | (code >> shift & 0x3FU)); };
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xC0U | code >> 6U);
        tail(0);
    } else if (code < 0x10000) {
        out += static_cast<char>(0xE0U | code >> 12U);
        tail(6);
        tail(0);
    } else {
        out += static_cast<char>(0xF0U | code >> 18U);
        tail(12);
        tail(6);
        tail(0);
    }
}

}  // namespace sluice::local_engine
