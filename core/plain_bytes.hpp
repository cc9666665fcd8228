// Runs of bytes that mean only themselves inside a JSON string: ASCII without control characters, quote and backslash.
// Eight are looked at at a time; nearly all text is made of them.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace sluice::core {

constexpr bool is_plain(char c) {
    return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x80 && c != '"' && c != '\\';
}

// Whether eight bytes are all plain. Which of them is not need not be known, so a borrow from one byte to the next (the
// classic tests for "less than" and "is zero") does no harm.
constexpr bool all_plain(std::uint64_t word) {
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    constexpr std::uint64_t kHigh = 0x8080808080808080;
    const auto has_zero = [](std::uint64_t bytes) { return (bytes - kOnes) & ~bytes; };
    const std::uint64_t control = (word - kOnes * 0x20) & ~word;
    const std::uint64_t quote = has_zero(word ^ (kOnes * '"'));
    const std::uint64_t backslash = has_zero(word ^ (kOnes * '\\'));
    return ((word | control | quote | backslash) & kHigh) == 0;
}

// Where the run of plain bytes that begins at `at` ends.
inline std::size_t plain_end(std::string_view text, std::size_t at) {
    for (std::uint64_t word = 0; at + sizeof word <= text.size(); at += sizeof word) {
        std::memcpy(&word, text.data() + at, sizeof word);
        if (!all_plain(word)) break;
    }
    while (at < text.size() && is_plain(text[at])) ++at;
    return at;
}

}  // namespace sluice::core
