// Characters of UTF-8 texts and what they count as. Uses ICU's data: compatibility forms and look-alikes (UTS 39).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::policies {

struct Character {
    char32_t code = 0;
    std::size_t size = 1;  // bytes
};

// The character at `at`; a byte that is not UTF-8 is a character of its own, U+FFFD.
Character decode_character(std::string_view text, std::size_t at);
void append_character(std::string& out, char32_t code);

bool is_invisible(char32_t code);  // default-ignorable, format and bidirectional controls, tags
// The ASCII text a character is a form of: digits of any script, full width, circled, mathematical, spaces, dashes.
// Empty when there is none.
std::string ascii_form(char32_t code);
// The ASCII letter or digit that looks the same; '\0' when there is none.
char lookalike(char32_t code);

bool is_utf8(std::string_view text);

}  // namespace sluice::policies
