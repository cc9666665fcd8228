#include "policies/sensitivity/unicode.hpp"

#include <array>
#include <unordered_map>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uspoof.h>

namespace sluice::policies {

Character decode_character(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U; };
    const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
    const unsigned first = byte(0);
    if (first < 0x80) return {first, 1};
    if (first >= 0xc2 && first < 0xe0 && follows(1)) return {((first & 0x1fU) << 6U) | (byte(1) & 0x3fU), 2};
    if (first >= 0xe0 && first < 0xf0 && follows(1) && follows(2))
        return {((first & 0x0fU) << 12U) | ((byte(1) & 0x3fU) << 6U) | (byte(2) & 0x3fU), 3};
    if (first >= 0xf0 && first < 0xf5 && follows(1) && follows(2) && follows(3))
        return {((first & 0x07U) << 18U) | ((byte(1) & 0x3fU) << 12U) | ((byte(2) & 0x3fU) << 6U) | (byte(3) & 0x3fU), 4};
    return {0xfffd, 1};
}

void append_character(std::string& out, char32_t code) {
    const auto push = [&](char32_t value) { out += static_cast<char>(static_cast<unsigned char>(value)); };
    if (code < 0x80) push(code);
    else if (code < 0x800) push(0xc0 | (code >> 6U)), push(0x80 | (code & 0x3f));
    else if (code < 0x10000) push(0xe0 | (code >> 12U)), push(0x80 | ((code >> 6U) & 0x3f)), push(0x80 | (code & 0x3f));
    else push(0xf0 | (code >> 18U)), push(0x80 | ((code >> 12U) & 0x3f)), push(0x80 | ((code >> 6U) & 0x3f)), push(0x80 | (code & 0x3f));
}

namespace {

struct Range {
    char32_t first;
    char32_t last;
};
constexpr std::array<Range, 15> kInvisible{{{0xad, 0xad},     {0x34f, 0x34f},   {0x61c, 0x61c},   {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180e},
                                            {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x206f}, {0x3164, 0x3164}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},
                                            {0xffa0, 0xffa0}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}}};
constexpr char32_t kBlockSize = 64;      // characters of a block
constexpr char32_t kBlockCount = 0x800;  // blocks below U+20000
// Blocks that hold an invisible character: of most texts' characters none does.
constexpr std::array<bool, kBlockCount> kHoldsInvisible = [] {
    std::array<bool, kBlockCount> out{};
    for (const Range& range : kInvisible)
        for (char32_t block = range.first / kBlockSize; block <= range.last / kBlockSize && block < kBlockCount; ++block) out[block] = true;
    return out;
}();

}  // namespace

bool is_invisible(char32_t c) {
    if (c < kBlockSize * kBlockCount && !kHoldsInvisible[c / kBlockSize]) return false;
    for (const Range& range : kInvisible)
        if (c >= range.first && c <= range.last) return true;
    return false;
}

namespace {

// Blocks with compatibility forms of ASCII; asking ICU for every ideograph would cost more than it finds.
bool may_be_a_form(char32_t c) {
    return c == 0xaa || (c >= 0xb2 && c <= 0xbe) || (c >= 0x2b0 && c <= 0x2e4) || (c >= 0x1d2c && c <= 0x1dbf) || (c >= 0x2070 && c <= 0x209c) ||
           (c >= 0x2100 && c <= 0x218b) || (c >= 0x2460 && c <= 0x24ff) || (c >= 0x2776 && c <= 0x2793) || (c >= 0x2c7c && c <= 0x2c7d) ||
           (c >= 0x3200 && c <= 0x33ff) || (c >= 0xfb00 && c <= 0xfb06) || (c >= 0xfe50 && c <= 0xfe6f) || (c >= 0xff01 && c <= 0xff5e) ||
           (c >= 0x1d400 && c <= 0x1d7ff) || (c >= 0x1f100 && c <= 0x1f16f) || (c >= 0x1fbf0 && c <= 0x1fbf9);
}

std::unordered_map<char32_t, char> read_lookalikes() {
    constexpr std::array<std::pair<char32_t, char32_t>, 9> kBlocks{{{0xc0, 0x2af}, {0x370, 0x58f}, {0x5d0, 0x5ea}, {0x1c80, 0x1c88}, {0x13a0, 0x13ff},
                                                                    {0x1d00, 0x1d2b}, {0x2c60, 0x2cff}, {0xa4d0, 0xa4ff}, {0xab30, 0xabbf}}};
    std::unordered_map<char32_t, char> out;
    UErrorCode status = U_ZERO_ERROR;
    USpoofChecker* checker = uspoof_open(&status);
    if (U_FAILURE(status)) return out;
    for (const auto& [first, last] : kBlocks)
        for (char32_t c = first; c <= last; ++c) {
            const auto from = static_cast<UChar>(c);
            std::array<UChar, 8> skeleton{};
            status = U_ZERO_ERROR;
            const auto size = uspoof_getSkeleton(checker, 0, &from, 1, skeleton.data(), 8, &status);
            if (U_FAILURE(status) || size != 1 || skeleton[0] > 'z' || skeleton[0] < '0') continue;
            const auto ascii = static_cast<char>(skeleton[0]);
            const bool usable = (ascii >= '0' && ascii <= '9') || (ascii >= 'A' && ascii <= 'Z') || (ascii >= 'a' && ascii <= 'z');
            if (usable) out[c] = ascii;
        }
    uspoof_close(checker);
    return out;
}

}  // namespace

std::string ascii_form(char32_t c) {
    // What most texts are made of is settled without asking: Latin, Greek and Cyrillic letters, ideographs, Hangul, and the
    // full-width forms, which lie in the order of ASCII. No script but those behind U+0660 has digits of its own.
    if (c >= 0xff01 && c <= 0xff5e) return std::string(1, static_cast<char>(c - 0xfee0));
    if (!may_be_a_form(c) && ((c < 0x660 && c != 0xa0) || (c >= 0x3400 && c < 0xa000) || (c >= 0xac00 && c < 0xd800))) return {};
    if (c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f || c == 0x3000) return " ";
    if ((c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xfe58 || c == 0xfe63 || c == 0x2043) return "-";
    if (may_be_a_form(c)) {
        UErrorCode status = U_ZERO_ERROR;
        const UNormalizer2* nfkc = unorm2_getNFKCInstance(&status);
        std::array<UChar, 20> form{};
        const auto size = U_SUCCESS(status) ? unorm2_getDecomposition(nfkc, static_cast<UChar32>(c), form.data(), 20, &status) : -1;
        std::string out;
        for (int i = 0; i < size; ++i)
            if (form[static_cast<std::size_t>(i)] < 0x80) out += static_cast<char>(form[static_cast<std::size_t>(i)]);
        if (U_SUCCESS(status) && size > 0 && out.size() == static_cast<std::size_t>(size)) return out;
    }
    const auto digit = u_charDigitValue(static_cast<UChar32>(c));
    return digit >= 0 && digit <= 9 && u_charType(static_cast<UChar32>(c)) == U_DECIMAL_DIGIT_NUMBER ? std::string(1, static_cast<char>('0' + digit))
                                                                                                     : std::string{};
}

char lookalike(char32_t c) {
    if (c < 0xc0 || (c >= 0x2d00 && c < 0xa4d0) || c >= 0xabc0) return '\0';  // in none of the blocks read
    static const std::unordered_map<char32_t, char> table = read_lookalikes();
    const auto found = table.find(c);
    return found == table.end() ? '\0' : found->second;
}

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const Character character = decode_character(text, i);
        if (character.code == 0xfffd && character.size == 1) return false;
        i += character.size;
    }
    return true;
}

}  // namespace sluice::policies
