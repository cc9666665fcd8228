// All readings of one text: as it is, and with its disguises undone, to a depth of three. Plain text costs one pass.
#pragma once

#include "policies/sensitivity/detectors.hpp"

#include <functional>
#include <string_view>
#include <vector>

namespace sluice::policies {

// Limits of what is read beyond the text itself.
struct ReadingLimits {
    int depth = 3;                                            // a disguise in a disguise in a disguise
    std::size_t decoded_bytes = std::size_t{4} << 20U;        // of all readings of a text together
    std::size_t hits = 100'000;                               // of one text
};

// What kept a text from being read to its end; empty when nothing did.
using Bound = std::string_view;

// Calls `see` with every reading's text, its hits (in bytes of that text) and the way back to the original.
using SeeReading = std::function<void(std::string_view text, std::vector<Hit>& hits, const std::function<void(Hit&)>& to_original)>;

// `signs`, if given: what the first pass, over the text as it is, saw.
Bound for_each_reading(std::string_view text, std::string_view key, const ReadingLimits& limits, const SeeReading& see, TextSigns* signs = nullptr);

}  // namespace sluice::policies
