// What one answer must look like, followed token by token: free text, a grammar, or free text in which a marker switches a
// grammar on (after </think>; between a tool call's markers). Engine thread only: one per sequence.
#pragma once

#include "local_engine/grammar/compiled_grammar.hpp"
#include "local_engine/tokenizer/tokenizer.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::local_engine {

// In free text: from behind `marker` on the text follows `grammar`; when that has ended it is free again, or over.
struct Trigger {
    std::string marker;                          // not empty; matched in the text and in spellings of control tokens
    std::shared_ptr<CompiledGrammar> grammar;    //
    bool free_again = false;                     // false: the answer ends with the grammar
};

struct ConstraintPlan {
    std::shared_ptr<CompiledGrammar> grammar = {};  // from the first token on; null: free at first
    std::string begun = {};                         // of the grammar's text, the part that the prompt ends with
    std::vector<Trigger> triggers = {};             // looked for in free text
    bool may_end_free = true;                       // the answer may end in free text
    // A token that may come first instead of the grammar's text and makes the beginning free: <think>.
    std::optional<TokenId> opens_free = std::nullopt;

    bool empty() const { return !grammar && triggers.empty() && may_end_free; }
};

class Constraint {
public:
    Constraint(ConstraintPlan plan, const VocabularyTrie& trie, const Tokenizer& tokenizer);

    // From the next token on the text follows this grammar, whatever was before: for a parser that sees a tool call begin.
    void constrain(std::shared_ptr<CompiledGrammar> grammar, bool free_again);

    // Null: every token may come. Valid until the next call. `failed` when the grammar cannot be followed any more.
    const TokenMask* allowed();
    bool failed() const { return failed_; }

    // A token was chosen. False: it does not fit (nothing changes); only without a mask can that happen.
    bool take(TokenId token);
    // Takes back the last `count` accepted tokens (speculation); at most as many as were accepted since constrain().
    void roll_back(std::size_t count);

private:
    struct Taken {
        std::size_t bytes = 0;  // of the recogniser
        std::size_t tail = 0;   // size of tail_ before
        std::string tail_before = {};
        std::shared_ptr<CompiledGrammar> grammar_before = {};
        std::optional<Recogniser> recogniser_before = std::nullopt;  // when the token switched modes
        bool free_again_before = false;
        bool at_start_before = false;
        bool switched = false;
    };

    bool accept_free(TokenId token, Taken& taken);
    bool accept_text(std::string_view bytes, Taken& taken);
    void leave_grammar_if_over();

    ConstraintPlan plan_;
    const VocabularyTrie& trie_;
    const Tokenizer& tokenizer_;
    std::shared_ptr<CompiledGrammar> grammar_;  // that is followed now; null: free
    std::optional<Recogniser> recogniser_;
    bool free_again_ = false;
    bool at_start_ = true;
    bool failed_ = false;
    std::string tail_;  // end of the free text, as long as the longest marker
    std::size_t longest_ = 0;
    std::deque<Taken> history_;  // of the last tokens
    TokenMask free_mask_, first_mask_;
};

}  // namespace sluice::local_engine
