// Recognises a placeholder of a map at the beginning of a text, however a model bent it. Internal to the restorer.
#pragma once

#include "policies/sensitivity/placeholder.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::policies::detail {

struct PlaceholderMatch {
    enum class Kind : std::uint8_t { No, More, Yes };  // More: not decided before the text goes on
    Kind kind = Kind::No;
    std::size_t length = 0;  // bytes it takes
    std::size_t kept = 0;    // bytes at its begin that stay: a bracket without its partner
    const Placeholder* placeholder = nullptr;
};

// True for bytes a placeholder may begin with; `before` is the byte in front. A quick test for most bytes.
bool may_begin_placeholder(char first, char before, const PlaceholderMap& map);

// `final`: nothing follows `text`. Looks at no more than Restorer::kLongest bytes.
PlaceholderMatch match_placeholder(std::string_view text, const PlaceholderMap& map, bool final);

}  // namespace sluice::policies::detail
