// Counts the tokens of an answer's thoughts while they are made, and ends a thought that has used up its budget: the
// next tokens are then given, not chosen. Engine thread; one per answer.
#pragma once

#include "local_engine/tokenizer/tokenizer.hpp"

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::local_engine {

struct ThoughtOptions {
    std::string open = {};  // empty: nothing to count
    std::string close = {};
    bool begun = false;                 // by the prompt
    std::int64_t budget = -1;           // tokens; negative: none
    std::vector<TokenId> ending = {};   // given when the budget is used up
    std::vector<TokenId> spelled = {};  // sorted: control tokens whose spelling is part of the text
};

class ThoughtMeter {
public:
    explicit ThoughtMeter(ThoughtOptions options) : options_(std::move(options)), inside_(options_.begun) {}

    // The token that must come next, if any.
    std::optional<TokenId> given();
    // A token was made: `text` is what it adds. True when it belongs to a thought.
    bool note(std::string_view text);
    std::int64_t tokens() const { return tokens_; }
    const std::vector<TokenId>& spelled() const { return options_.spelled; }

private:
    ThoughtOptions options_;
    bool inside_;
    bool ended_ = false;  // the budget was used up
    std::int64_t tokens_ = 0;
    std::string recent_;  // the end of the text, as long as a marker
    std::deque<TokenId> given_;
};

}  // namespace sluice::local_engine
