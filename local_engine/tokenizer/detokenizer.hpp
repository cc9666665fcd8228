// Generated tokens to text, piece by piece: what comes out is always whole UTF-8 characters.
#pragma once

#include "local_engine/tokenizer/tokenizer.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::local_engine {

// One per answer. Holds back the bytes of an unfinished character (at most three); bytes that can never become UTF-8
// are given out as U+FFFD at once. The tokenizer must outlive it. Not shared between threads.
class Detokenizer {
public:
    // `spelled`, sorted: control tokens that come out as they are spelled; others give nothing.
    explicit Detokenizer(const Tokenizer& tokenizer, std::vector<TokenId> spelled = {})
        : tokenizer_(&tokenizer), spelled_(std::move(spelled)), first_(tokenizer.strips_first_space()) {}

    std::string feed(TokenId token);  // may be empty
    std::string finish();             // what was held back, as U+FFFD

private:
    const Tokenizer* tokenizer_;
    std::vector<TokenId> spelled_;
    bool first_;  // still to drop the space that the vocabulary puts before the first word
    std::string held_;
};

}  // namespace sluice::local_engine
