// Cuts text into the pieces inside which byte-level BPE may merge. Every family of models was trained with its own
// rule, usually published as a regular expression; here each is a small hand-written matcher that looks at each
// character a bounded number of times, whatever the text.
#pragma once

#include "core/result.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice::local_engine {

struct CodePoints;  // text taken apart, in pre_tokenizer.cpp

class PreTokenizer {
public:
    // By the name in tokenizer.ggml.pre. Unsupported for others, with the name as detail: a guessed rule would degrade
    // answers silently.
    static core::Result<PreTokenizer> named(std::string_view name);

    // End of each piece, in bytes, rising; the last one is text.size(). Empty for empty text.
    std::vector<std::uint32_t> split(std::string_view text) const;

    bool whole_pieces_first() const { return whole_pieces_first_; }  // a piece that is a token needs no merging
    bool default_add_bos() const { return default_add_bos_; }        // when the file does not say

private:
    // End of the match that starts at `position`, or `position` when there is none.
    using Matcher = std::uint32_t (*)(const CodePoints& text, std::uint32_t position);

    std::vector<Matcher> passes_;  // each cuts the pieces of the one before
    bool whole_pieces_first_ = false;
    bool default_add_bos_ = false;
};

}  // namespace sluice::local_engine
