// Borders of what people see as one character (UAX 29 grapheme clusters), by ICU: masking half of a flag or of a family
// would leave the other half behind.
#pragma once

#include <cstddef>
#include <string_view>

namespace sluice::policies {

struct ByteRange {
    std::size_t begin = 0;
    std::size_t end = 0;
    friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

// The smallest range of whole clusters around `range`, in valid UTF-8. Costs nothing where the borders are ASCII.
ByteRange whole_graphemes(std::string_view text, ByteRange range);

}  // namespace sluice::policies
