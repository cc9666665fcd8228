// Finds the spellings of special tokens in raw text, before it is split and merged: longest first, then leftmost.
#pragma once

#include "local_engine/tokenizer/vocabulary.hpp"

#include <bitset>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice::local_engine {

class SpecialMatcher {
public:
    struct Match {
        std::size_t begin = 0;
        std::size_t end = 0;
        TokenId token = 0;
    };

    enum class Which {
        UserDefined,
        Unmarked,  // user-defined, but not written as a marker: "<...>", "[...]" with capitals
        All,       // user-defined, control and unknown tokens
    };
    // The vocabulary must outlive it.
    SpecialMatcher(const Vocabulary& vocabulary, Which which);

    // Matches do not overlap; in the order of the text.
    std::vector<Match> find(std::string_view text) const;

private:
    bool wanted(TokenId token) const;

    const Vocabulary* vocabulary_;
    Which which_;
    std::vector<std::size_t> lengths_;  // of the spellings, longest first, each once
    std::bitset<256> single_;           // spellings of one byte
    std::bitset<65536> first_two_;      // first bytes of the longer ones: most positions are ruled out here
};

}  // namespace sluice::local_engine
