// What makes a piece of text sensitive: hand-written scanners over bytes, one pass, no backtracking, every look-around
// bounded, so that time is linear whatever the text. Pure functions; any thread. The scanners themselves are in
// scan.hpp.
#pragma once

#include "core/data_class.hpp"

#include <string_view>
#include <vector>

namespace sluice::policies {

// A finding inside one text; `type` and `detector` are literals.
struct Hit {
    std::string_view type;  // "CREDIT_CARD"
    std::size_t begin = 0;  // bytes
    std::size_t end = 0;
    double score = 0;  // 0..1; what counts is the classifier's cut
    std::string_view detector;
};

// All built-in detectors over one text; hits are appended and may overlap. `key` is the name of the JSON member the
// text is the value of, if any: it counts as a word in front of the text ("ssn", "password").
void scan_text(std::string_view text, std::string_view key, std::vector<Hit>& hits);

// What a finding of this type makes of a request, unless the configuration says otherwise. Unknown types: restricted.
core::DataClass default_class(std::string_view type);

}  // namespace sluice::policies
