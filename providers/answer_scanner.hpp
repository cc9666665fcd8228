// Reads one JSON answer of an upstream (a chat.completion, a chunk of a stream, an error) in a single pass without
// building a document: whether it is valid JSON, and the few facts Sluice acts on. A stream has one per token, so this
// is what streaming costs.
#pragma once

#include <cstddef>
#include <string_view>

namespace sluice::providers {

struct AnswerFacts {
    std::string_view usage;          // text of the top-level "usage" value; empty when absent or null
    std::string_view error;          // text of the top-level "error" value; empty when absent or null
    std::string_view finish_reason;  // of the last choice that has one, without quotes
    bool usage_twice = false;        // two top-level "usage" members: neither is to be believed
    bool has_choices = false;        // "choices" is an array
    bool no_choices = false;         // ... and empty
    std::size_t text_bytes = 0;      // generated text in the choices: content, reasoning, tool names and arguments
};

// False: not one JSON object in valid UTF-8, or nested deeper than 64. Views point into `json`.
bool scan_answer(std::string_view json, AnswerFacts& facts);

}  // namespace sluice::providers
