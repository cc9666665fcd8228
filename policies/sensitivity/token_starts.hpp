// Whether a vendor's token may begin here, by the first three characters: turns nearly all words away.
#pragma once

#include "policies/sensitivity/token_prefixes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::policies::detail {

// Slots are many: pairs with any third character fill a thousand of them, and a word that hits one by chance is compared
// with every prefix of its first letter.
constexpr std::size_t token_start_slot(char a, char b, char c) {
    const std::uint32_t key = static_cast<std::uint32_t>(static_cast<unsigned char>(a)) << 16U | static_cast<std::uint32_t>(static_cast<unsigned char>(b)) << 8U |
                              static_cast<unsigned char>(c);
    return key * 0x9e3779b1U >> 17U;
}

inline constexpr std::array<bool, 32768> kTokenStarts = [] {
    std::array<bool, 32768> known{};
    const auto add_pair = [&](char a, char b) {
        for (int c = 0; c < 128; ++c) known[token_start_slot(a, b, static_cast<char>(c))] = true;
    };
    for (const auto& entry : kTokenPrefixes) {
        if (entry.prefix.size() < 3) add_pair(entry.prefix[0], entry.prefix[1]);
        else known[token_start_slot(entry.prefix[0], entry.prefix[1], entry.prefix[2])] = true;
    }
    // Discord: a number in base64.
    for (const std::string_view pair : {"MT", "Mz", "ND", "Nj", "MD", "Mj", "NT", "Nz", "OD", "OT"}) add_pair(pair[0], pair[1]);
    return known;
}();

}  // namespace sluice::policies::detail
