// Finds the values of a placeholder map wherever they stand as whole words, and masks them. Linear in the text,
// whatever the number of values.
#pragma once

#include "policies/sensitivity/graphemes.hpp"
#include "policies/sensitivity/placeholder.hpp"

#include <bitset>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::policies::detail {

// The placeholder that begins at `at`, written as we write it; null when none does.
const Placeholder* placeholder_at(std::string_view text, std::size_t at, const PlaceholderMap& map);

class KnownValues {
public:
    static constexpr std::size_t kShortest = 5;  // bytes; shorter ones ("Li") are words of their own too often

    // `map` outlives this and does not grow meanwhile.
    explicit KnownValues(const PlaceholderMap& map);

    bool occur_in(std::string_view text) const;
    // Those that stand in `text`, without doubles.
    std::vector<const Placeholder*> in(std::string_view text) const;
    // Replaces every occurrence outside of placeholders; counts by type.
    bool mask(std::string& text, std::map<std::string, int>& masked) const;

private:
    struct Found {
        std::size_t begin;
        const Placeholder* placeholder;  // null: nothing more
    };
    Found next(std::string_view text, std::size_t from) const;
    static std::uint32_t first_bytes(std::string_view text, std::size_t at);
    static std::size_t bit_of(std::uint32_t bytes) { return (bytes * 0x9e3779b1U) >> 16U; }

    const PlaceholderMap& map_;
    std::bitset<65536> may_begin_;
    std::unordered_map<std::uint32_t, std::vector<const Placeholder*>> by_first_;  // longest first
};

}  // namespace sluice::policies::detail
