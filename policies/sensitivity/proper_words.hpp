// Words that begin with a capital, in Latin, Greek and Cyrillic script: what names and streets are made of.
#pragma once

#include "policies/sensitivity/bytes.hpp"

#include <cstddef>
#include <string_view>

namespace sluice::policies::detail {

// A letter of any script, or a part of one.
constexpr bool is_letter(char c) {
    return is_alpha(c) || static_cast<unsigned char>(c) >= 0x80;
}

// True when a capital letter stands at `at`.
bool is_capital(std::string_view text, std::size_t at);
// The end of a word of letters, apostrophes and hyphens inside it.
std::size_t word_end(std::string_view text, std::size_t at);

struct ProperWords {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t count = 0;  // words with a capital, initials not counted
};

// Up to five words with capitals, initials and the small words between them ("van der"); on one line.
ProperWords read_proper_words(std::string_view text, std::size_t at);

}  // namespace sluice::policies::detail
