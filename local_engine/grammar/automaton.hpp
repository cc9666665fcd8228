// A grammar as automata: one per rule, deterministic over bytes, whose transitions also call other rules. Rules that
// match nothing, and states from which no end is reached, are gone, so whatever was accepted so far can be completed.
// Immutable after compile().
#pragma once

#include "core/result.hpp"
#include "local_engine/grammar/expression.hpp"

#include <array>
#include <bitset>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice::local_engine {

using StateId = std::uint32_t;
inline constexpr StateId kNoState = UINT32_MAX;

class Automaton {
public:
    struct Call {
        RuleId rule = 0;
        StateId after = 0;
        bool tail = false;  // nothing follows in the calling rule: its callers continue
    };

    // InvalidRequest without a field: the grammar is too large, or matches nothing.
    static core::Result<Automaton> compile(const GrammarSource& source);

    std::size_t states() const { return states_.size(); }
    RuleId root() const { return root_; }
    StateId start(RuleId rule) const { return starts_[static_cast<std::size_t>(rule)]; }
    RuleId rule_of(StateId state) const { return states_[state].rule; }
    bool is_final(StateId state) const { return states_[state].final; }
    bool has_bytes(StateId state) const { return states_[state].edges > 0; }
    std::span<const Call> calls(StateId state) const {
        return std::span(calls_).subspan(states_[state].first_call, states_[state].calls);
    }
    StateId next(StateId state, std::uint8_t byte) const {
        const State& from = states_[state];
        for (std::uint32_t i = from.first_edge; i < from.first_edge + from.edges; ++i) {
            if (byte <= edges_[i].last) return byte >= edges_[i].first ? edges_[i].to : kNoState;
        }
        return kNoState;
    }
    // Bytes that may follow the rule somewhere in the grammar.
    const std::bitset<256>& follow(RuleId rule) const { return follow_[static_cast<std::size_t>(rule)]; }

private:
    friend class AutomatonBuilder;
    struct State {
        std::uint32_t first_edge = 0, edges = 0;  // by ascending bytes
        std::uint32_t first_call = 0, calls = 0;
        RuleId rule = 0;
        bool final = false;
    };
    struct Edge {
        std::uint8_t first = 0, last = 0;
        StateId to = 0;
    };

    RuleId root_ = 0;
    std::vector<State> states_;
    std::vector<Edge> edges_;
    std::vector<Call> calls_;
    std::vector<StateId> starts_;  // by rule; kNoState: the rule matches nothing
    std::vector<std::bitset<256>> follow_;
};

}  // namespace sluice::local_engine
