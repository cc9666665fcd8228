// What makes a piece of text sensitive: hand-written scanners over bytes, one pass, no backtracking, every look-around
// bounded, so that time is linear whatever the text. Pure functions; any thread. The scanners themselves are in
// scan.hpp.
#pragma once

#include "core/data_class.hpp"

#include <optional>
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
    std::optional<core::DataClass> data_class = {};  // of a dictionary term; otherwise its type's
};

// What the pass saw that only another view can read.
struct TextSigns {
    bool other_characters = false;  // not ASCII
    bool escapes = false;           // %, &, backslash or '=' with what may be an escape
    bool encoded = false;           // a run that base64 or hexadecimal may have made
    bool apart = false;             // a value may go on behind a tag, a line break, or be written apart
    bool spelled_digits = false;    // seven or more digits in a row written as words
    bool spoken_marks = false;      // "(at)", "[dot]", or the word "dot" alone
    bool turns = false;             // "user:" at the start of a line: a transcript

    bool plain() const { return !(other_characters || escapes || encoded || apart || spelled_digits || spoken_marks); }
};

// All built-in detectors over one text; hits are appended and may overlap. `key` is the name of the JSON member the
// text is the value of, if any: it counts as a word in front of the text ("ssn", "password").
TextSigns scan_text(std::string_view text, std::string_view key, std::vector<Hit>& hits);

// 1 (counts only in combination) to 4 (never leaves: live credentials, privileged, a diagnosis tied to a person);
// 0 for values that manuals publish and for health without a person. Unknown types: 3.
int severity_of(std::string_view type);

// What a finding of this type makes of a request, unless the configuration says otherwise. Unknown types: restricted.
core::DataClass default_class(std::string_view type);

}  // namespace sluice::policies
