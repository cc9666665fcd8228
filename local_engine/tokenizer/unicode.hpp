// What a tokenizer needs of Unicode: UTF-8, and the general category of a code point, coarsely.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::local_engine {

enum class CharClass : std::uint8_t {
    Other,  // unassigned, control, format, separators, and bytes that are not UTF-8
    Upper,
    Lower,
    Title,
    Modifier,
    OtherLetter,
    Mark,
    Number,
    Punctuation,
    Symbol,
};

CharClass class_of(char32_t code_point);
bool is_white_space(char32_t code_point);
inline bool is_letter(CharClass kind) {
    return kind >= CharClass::Upper && kind <= CharClass::OtherLetter;
}

// The character at the start of `text`, which is not empty.
struct Character {
    char32_t code_point = 0;  // kInvalid when the bytes are not UTF-8
    std::uint32_t length = 1;
};
constexpr char32_t kInvalid = 0xFFFFFFFF;
Character first_character(std::string_view text);

// Bytes at the end of `text` that begin a character but do not finish it: 0 to 3.
std::size_t unfinished_bytes(std::string_view text);

}  // namespace sluice::local_engine
