#include "local_engine/tokenizer/unicode.hpp"

#include <algorithm>
#include <array>

namespace sluice::local_engine {
namespace {

constexpr std::uint32_t kRuns[] = {
#include "local_engine/tokenizer/unicode_table.inc"
};

constexpr CharClass search(char32_t code_point) {
    const std::uint32_t wanted = static_cast<std::uint32_t>(code_point) * 16 + 15;
    const std::uint32_t run = *(std::upper_bound(std::begin(kRuns), std::end(kRuns), wanted) - 1);
    return static_cast<CharClass>(run & 15U);
}

// Most text is below U+0800: no search there.
constexpr std::array<CharClass, 0x800> kCommon = [] {
    std::array<CharClass, 0x800> classes{};
    for (char32_t i = 0; i < classes.size(); ++i) classes[i] = search(i);
    return classes;
}();

// Length of the sequence a lead byte announces, and the range of its second byte (no overlong forms, no surrogates,
// nothing above U+10FFFF); length 0 for bytes that cannot lead.
struct Lead {
    std::uint32_t length;
    unsigned char low, high;
};
Lead lead_of(unsigned char byte) {
    if (byte < 0x80) return {1, 0, 0};
    if (byte < 0xC2) return {0, 0, 0};
    if (byte < 0xE0) return {2, 0x80, 0xBF};
    if (byte == 0xE0) return {3, 0xA0, 0xBF};
    if (byte == 0xED) return {3, 0x80, 0x9F};
    if (byte < 0xF0) return {3, 0x80, 0xBF};
    if (byte == 0xF0) return {4, 0x90, 0xBF};
    if (byte < 0xF4) return {4, 0x80, 0xBF};
    if (byte == 0xF4) return {4, 0x80, 0x8F};
    return {0, 0, 0};
}

unsigned char byte_at(std::string_view text, std::size_t index) {
    return static_cast<unsigned char>(text[index]);
}

bool continues(const Lead& lead, std::string_view text, std::size_t index) {
    const unsigned char byte = byte_at(text, index);
    return index == 1 ? byte >= lead.low && byte <= lead.high : (byte & 0xC0U) == 0x80;
}

}  // namespace

CharClass class_of(char32_t code_point) {
    if (code_point < kCommon.size()) return kCommon[code_point];
    return code_point > 0x10FFFF ? CharClass::Other : search(code_point);
}

bool is_white_space(char32_t code_point) {
    if (code_point < 0x85) return code_point == ' ' || (code_point >= 9 && code_point <= 13);
    return code_point == 0x85 || code_point == 0xA0 || code_point == 0x1680 ||
           (code_point >= 0x2000 && code_point <= 0x200A) || code_point == 0x2028 || code_point == 0x2029 ||
           code_point == 0x202F || code_point == 0x205F || code_point == 0x3000;
}

Character first_character(std::string_view text) {
    const unsigned char first = byte_at(text, 0);
    const Lead lead = lead_of(first);
    if (lead.length == 1) return {first, 1};
    if (lead.length == 0 || text.size() < lead.length) return {kInvalid, 1};
    char32_t code_point = first & (0x7FU >> lead.length);
    for (std::uint32_t i = 1; i < lead.length; ++i) {
        if (!continues(lead, text, i)) return {kInvalid, 1};
        code_point = code_point << 6U | (byte_at(text, i) & 0x3FU);
    }
    return {code_point, lead.length};
}

std::size_t unfinished_bytes(std::string_view text) {
    for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
        const std::string_view tail = text.substr(text.size() - back);
        const unsigned char first = byte_at(tail, 0);
        if ((first & 0xC0U) == 0x80) continue;  // inside a character: its lead is further back
        const Lead lead = lead_of(first);
        if (lead.length <= back) return 0;
        for (std::size_t i = 1; i < back; ++i) {
            if (!continues(lead, tail, i)) return 0;
        }
        return back;
    }
    return 0;
}

}  // namespace sluice::local_engine
