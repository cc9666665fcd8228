// A grammar ready to constrain a model's answers: its automata and, for a vocabulary, which tokens may come next.
//
// For each state the tokens are split once: those that fit whatever the callers of its rule are, those that never fit,
// and the uncertain ones, which reach the end of the rule and go on (Dong et al. 2024, XGrammar). Only the uncertain ones
// are tried at run time, and the answer is kept for situations that come again. One mask costs microseconds when the
// situation is known.
#pragma once

#include "core/result.hpp"
#include "local_engine/grammar/automaton.hpp"
#include "local_engine/grammar/recogniser.hpp"
#include "local_engine/grammar/vocabulary_trie.hpp"
#include "local_engine/sampling/token_mask.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace sluice::local_engine {

class CompiledGrammar {
public:
    // Errors as Automaton::compile, and for grammars too ambiguous to be followed. Takes tens of milliseconds for common schemas and is bounded for hostile ones: not
    // for an event loop. The trie must outlive it.
    static core::Result<std::shared_ptr<CompiledGrammar>> compile(const GrammarSource& source, const VocabularyTrie& trie);

    const Automaton& automaton() const { return automaton_; }

    // Tokens that may come next, end-of-generation tokens where the text may end. Valid until the next call. Null: the
    // grammar is too ambiguous to be followed. One thread at a time, after compile().
    const TokenMask* allowed(Recogniser& at);

    std::size_t cached_bytes() const { return bytes_; }

private:
    struct Split {
        std::vector<TokenId> few;                // that always fit, while they are few
        std::optional<TokenMask> many;           // else
        std::vector<std::uint32_t> uncertain;    // nodes of the trie, ascending
        bool failed = false;                     // too ambiguous to be split
    };
    struct Hash {
        std::size_t operator()(const std::vector<std::uint32_t>& words) const;
    };

    CompiledGrammar(Automaton automaton, const VocabularyTrie& trie);
    bool warm_up(std::uint64_t steps);
    const Split& split_of(StateId state);
    Split split(StateId state);
    bool compute(Recogniser& at, TokenMask& mask);
    bool try_uncertain(Recogniser& at, const std::vector<std::uint32_t>& nodes, TokenMask& mask) const;

    Automaton automaton_;
    const VocabularyTrie& trie_;
    std::vector<std::unique_ptr<Split>> splits_;  // by state; null: not needed yet
    std::unordered_map<std::vector<std::uint32_t>, TokenMask, Hash> known_;
    TokenMask scratch_;
    std::vector<std::uint32_t> key_;
    std::size_t bytes_ = 0;
    std::uint64_t steps_ = 0;  // nodes of the trie looked at, and the recogniser's work there
};

}  // namespace sluice::local_engine
