// Letters and digits in groups, as people write long numbers and identifiers: what is common to reading both. Groups are
// found by the masks of the 64 bytes at their begin, so that a row of thousands of numbers costs a few steps for each.
#pragma once

#include "policies/sensitivity/bytes.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sluice::policies::detail {

struct Grouped {
    static constexpr std::size_t kMost = 20;    // characters
    static constexpr std::size_t kMostBytes = 64;  // with separators of at most two bytes

    std::array<char, kMost + 12> characters{};   // eight are written at a time
    std::array<std::uint8_t, kMost> sizes{};     // of the groups
    std::array<std::uint8_t, kMost> gaps{};      // bytes of separators before each group
    std::uint32_t ends = 0;                      // bit n: the first n characters end a group
    std::size_t begin = 0;
    std::size_t count = 0;                       // of characters
    std::size_t groups = 0;                      // those that were read to their end

    std::string_view first(std::size_t n) const { return {characters.data(), n}; }
    bool ends_group(std::size_t n) const { return (ends >> n & 1U) != 0; }
    // Behind the first n characters.
    std::size_t end(std::size_t n) const {
        std::size_t group = 0;
        for (std::size_t covered = sizes[0]; covered < n && group + 1 < kMost; covered += sizes[group]) ++group;
        return begin + n + gaps[group];
    }

    // Takes `size` characters `offset` bytes behind the begin; as many as there is room for.
    void take(std::string_view text, std::size_t offset, std::size_t size) {
        if (groups < kMost) {
            sizes[groups] = static_cast<std::uint8_t>(size);
            gaps[groups] = static_cast<std::uint8_t>(offset - count);
        }
        const std::size_t at = begin + offset;
        if (at + 24 <= text.size()) {
            std::memcpy(characters.data() + count, text.data() + at, 8);
            if (size > 8) std::memcpy(characters.data() + count + 8, text.data() + at + 8, 8);
            if (size > 16) std::memcpy(characters.data() + count + 16, text.data() + at + 16, 8);
        } else std::memcpy(characters.data() + count, text.data() + at, size);
        count += size;
    }
    void close_group() {
        ends |= std::uint32_t{1} << count;
        if (groups + 1 < kMost) ++groups;
    }
};

}  // namespace sluice::policies::detail
