#include "policies/sensitivity/text_view.hpp"

#include <algorithm>
#include <array>

namespace sluice::policies {

namespace {

struct Character {
    char32_t code = 0;
    std::size_t size = 1;
};

// The character at `at`; a byte that is not UTF-8 is a character of its own.
Character decode(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) {
        return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
    };
    const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
    const unsigned first = byte(0);
    if (first < 0x80) return {first, 1};
    if (first >= 0xc2 && first < 0xe0 && follows(1)) return {((first & 0x1fU) << 6U) | (byte(1) & 0x3fU), 2};
    if (first >= 0xe0 && first < 0xf0 && follows(1) && follows(2))
        return {((first & 0x0fU) << 12U) | ((byte(1) & 0x3fU) << 6U) | (byte(2) & 0x3fU), 3};
    if (first >= 0xf0 && first < 0xf5 && follows(1) && follows(2) && follows(3))
        return {((first & 0x07U) << 18U) | ((byte(1) & 0x3fU) << 12U) | ((byte(2) & 0x3fU) << 6U) | (byte(3) & 0x3fU),
                4};
    return {0xfffd, 1};
}

bool is_invisible(char32_t c) {
    return c == 0xad || c == 0x34f || c == 0x61c || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || (c >= 0xfe00 && c <= 0xfe0f) ||
           c == 0xfeff || (c >= 0xe0000 && c <= 0xe0fff);
}

// First code points of the decimal digits 0 to 9 of other scripts.
constexpr std::array<char32_t, 33> kZeros{0x660,  0x6f0,  0x7c0,  0x966,  0x9e6,  0xa66,  0xae6,  0xb66,  0xbe6,
                                          0xc66,  0xce6,  0xd66,  0xe50,  0xed0,  0xf20,  0x1040, 0x17e0, 0x1810,
                                          0x1946, 0x19d0, 0x1a80, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
                                          0xa900, 0xa9d0, 0xaa50, 0xabf0, 0xff10, 0x104a0};

// The ASCII character that looks the same; '\0' when there is none.
char as_ascii(char32_t c) {
    if (c >= 0xff01 && c <= 0xff5e) return static_cast<char>(c - 0xff01 + '!');  // full width
    if (c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f || c == 0x3000)
        return ' ';
    if ((c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xfe58 || c == 0xfe63) return '-';
    if (c >= 0x1d7ce && c <= 0x1d7ff) return static_cast<char>('0' + (c - 0x1d7ce) % 10);  // mathematical
    for (const char32_t zero : kZeros)
        if (c >= zero && c <= zero + 9) return static_cast<char>('0' + (c - zero));
    return '\0';
}

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

const TextView::Run& TextView::run_of(std::size_t at) const {
    return *(std::ranges::upper_bound(runs_, at, {}, &Run::at) - 1);
}

std::size_t TextView::original_begin(std::size_t begin) const {
    const Run& run = run_of(begin);
    return run.original_size > 0 ? run.original : run.original + (begin - run.at);
}

std::size_t TextView::original_end(std::size_t end) const {
    const Run& run = run_of(end - 1);
    return run.original_size > 0 ? run.original + run.original_size : run.original + (end - run.at);
}

std::optional<TextView> folded(std::string_view original) {
    if (is_ascii(original)) return std::nullopt;
    TextView view;
    bool new_run = true;
    bool changed = false;
    for (std::size_t i = 0; i < original.size();) {
        const Character character = decode(original, i);
        const char ascii = character.code < 0x80 ? '\0' : as_ascii(character.code);
        if (character.code >= 0x80 && is_invisible(character.code)) {
            new_run = changed = true;
        } else if (ascii != '\0') {
            view.runs_.push_back({view.text_.size(), i, character.size});
            view.text_ += ascii;
            new_run = changed = true;
        } else {
            if (new_run) view.runs_.push_back({view.text_.size(), i, 0});
            new_run = false;
            view.text_.append(original.substr(i, character.size));
        }
        i += character.size;
    }
    if (!changed || view.text_.empty()) return std::nullopt;
    return view;
}

}  // namespace sluice::policies
