// Log-probabilities of an answer's tokens, held until the text of the token has left: a client that never sees any part
// of a stop string must not see its tokens either. One per sequence.
#pragma once

#include "local_engine/sampling/log_probabilities.hpp"
#include "local_engine/serving/mailbox.hpp"
#include "local_engine/tokenizer/tokenizer.hpp"

#include <cstddef>
#include <deque>
#include <vector>

namespace sluice::local_engine {

class TokenReports {
public:
    // `top`: how many alternatives of each token.
    explicit TokenReports(std::size_t top) : top_(top) {}

    // A token chosen from this row of raw logits, whose text adds `text_bytes` to the answer.
    void note(const LogProbabilities& row, TokenId token, const Tokenizer& tokenizer, std::size_t text_bytes);
    // Reports of tokens whose text lies within the first `bytes` of the answer.
    std::vector<TokenReport> release(std::size_t bytes);
    // The end. With a stop string found, tokens that begin behind what has left are dropped.
    std::vector<TokenReport> finish(std::size_t bytes, bool cut);

private:
    struct Held {
        TokenReport report;
        std::size_t begin = 0, end = 0;  // of its text in the answer
    };
    std::size_t top_;
    std::size_t written_ = 0;
    std::deque<Held> held_;
};

}  // namespace sluice::local_engine
