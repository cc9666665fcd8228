#include "core/json_writer.hpp"

#include <array>
#include <charconv>
#include <cstring>

namespace sluice::core {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// What a byte inside a string needs: nothing, an escape, or a look at the sequence it begins.
enum class Kind : std::uint8_t { Plain, Escape, MultiByte };

constexpr std::array<Kind, 256> kKinds = [] {
    std::array<Kind, 256> kinds{};
    for (std::size_t c = 0; c < kinds.size(); ++c)
        kinds[c] = c < 0x20 || c == '"' || c == '\\' ? Kind::Escape : c < 0x80 ? Kind::Plain : Kind::MultiByte;
    return kinds;
}();

constexpr unsigned char byte(char c) { return static_cast<unsigned char>(c); }

void append_escape(std::string& out, char c) {
    constexpr std::string_view kHex = "0123456789abcdef";
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\b': out += "\\b"; return;
        case '\f': out += "\\f"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        default:
            out += "\\u00";
            out += kHex[byte(c) >> 4U];
            out += kHex[byte(c) & 15U];
    }
}

struct Sequence {
    std::size_t bytes;
    bool valid;
};

// The UTF-8 sequence at the front of `text` (table 3-7 of the Unicode standard), or the longest start of one.
Sequence sequence_at(std::string_view text) {
    const unsigned char lead = byte(text.front());
    if (lead < 0xC2 || lead > 0xF4) return {1, false};
    const std::size_t bytes = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (std::size_t i = 1; i < bytes; ++i) {
        if (i == text.size() || byte(text[i]) < low || byte(text[i]) > high) return {i, false};
        low = 0x80;
        high = 0xBF;
    }
    return {bytes, true};
}

// Steps from `at` over eight bytes at a time while all of them are plain. Which of eight is not need not be known, so a
// borrow from one byte to the next (the classic tests for "less than" and "is zero") does no harm.
std::size_t plain_words(std::string_view text, std::size_t at) {
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    constexpr std::uint64_t kHigh = 0x8080808080808080;
    const auto has_zero = [](std::uint64_t word) { return (word - kOnes) & ~word; };
    for (; at + 8 <= text.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, sizeof word);
        const std::uint64_t control = (word - kOnes * 0x20) & ~word;
        const std::uint64_t quote = has_zero(word ^ (kOnes * '"'));
        const std::uint64_t backslash = has_zero(word ^ (kOnes * '\\'));
        if (((word | control | quote | backslash) & kHigh) != 0) break;
    }
    return at;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    std::size_t done = 0;  // text before it is in `out`
    std::size_t at = plain_words(text, 0);
    const auto flush = [&] { out.append(text, done, at - done); };
    while (at < text.size()) {
        const Kind kind = kKinds[byte(text[at])];
        if (kind == Kind::Plain) {
            ++at;
            continue;
        }
        if (kind == Kind::Escape) {
            flush();
            append_escape(out, text[at]);
            done = ++at;
            at = plain_words(text, at);
            continue;
        }
        const auto [bytes, valid] = sequence_at(text.substr(at));
        if (!valid) {
            flush();
            out += kReplacement;
            done = at + bytes;
        }
        at += bytes;
        at = plain_words(text, at);
    }
    flush();
    out += '"';
}

void append_json(std::string& out, const Json& value) {
    std::array<char, 24> digits{};
    const auto append_integer = [&](auto number) {
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
        out.append(digits.data(), end);
    };
    switch (value.type()) {
        case Json::value_t::object: {
            char before = '{';
            for (auto member = value.begin(); member != value.end(); ++member) {
                out += std::exchange(before, ',');
                append_json_string(out, member.key());
                out += ':';
                append_json(out, member.value());
            }
            out += value.empty() ? "{}" : "}";
            return;
        }
        case Json::value_t::array: {
            char before = '[';
            for (const Json& element : value) {
                out += std::exchange(before, ',');
                append_json(out, element);
            }
            out += value.empty() ? "[]" : "]";
            return;
        }
        case Json::value_t::string: return append_json_string(out, value.get_ref<const std::string&>());
        case Json::value_t::boolean: out += value.get<bool>() ? "true" : "false"; return;
        case Json::value_t::number_integer: return append_integer(value.get<std::int64_t>());
        case Json::value_t::number_unsigned: return append_integer(value.get<std::uint64_t>());
        default: out += value.dump(); return;  // null; floats, whose shortest text the library knows
    }
}

JsonWriter& JsonWriter::value(double number) { return raw(Json(number).dump()); }

}  // namespace sluice::core
