// Whether a vendor's token may begin here, by the first three characters: turns nearly all words away.
#pragma once

#include "policies/sensitivity/token_prefixes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::policies::detail {

// Slots are many: pairs with any third character fill a thousand of them, and a word that hits one by chance is compared
// with every prefix of its first letter.
constexpr std::size_t token_start_slot(std::uint32_t three) {  // characters, the last one lowest
    return three * 0x9e3779b1U >> 17U;
}
constexpr std::size_t token_start_slot(char a, char b, char c) {
    return token_start_slot(static_cast<std::uint32_t>(static_cast<unsigned char>(a)) << 16U | static_cast<std::uint32_t>(static_cast<unsigned char>(b)) << 8U |
                            static_cast<unsigned char>(c));
}

struct TokenStarts {
    std::array<std::uint64_t, 32768 / 64> known{};
    constexpr void add(std::size_t slot) { known[slot / 64] |= std::uint64_t{1} << (slot % 64); }
    constexpr bool holds(std::size_t slot) const { return (known[slot / 64] >> (slot % 64) & 1U) != 0; }
};

inline constexpr TokenStarts kTokenStarts = [] {
    TokenStarts known;
    const auto add_pair = [&](char a, char b) {
        for (int c = 0; c < 128; ++c) known.add(token_start_slot(a, b, static_cast<char>(c)));
    };
    for (const auto& entry : kTokenPrefixes) {
        if (entry.prefix.size() < 3) add_pair(entry.prefix[0], entry.prefix[1]);
        else known.add(token_start_slot(entry.prefix[0], entry.prefix[1], entry.prefix[2]));
    }
    // Discord: a number in base64.
    for (const std::string_view pair : {"MT", "Mz", "ND", "Nj", "MD", "Mj", "NT", "Nz", "OD", "OT"}) add_pair(pair[0], pair[1]);
    return known;
}();

}  // namespace sluice::policies::detail
