// The first half of compiling a grammar: every rule as a nondeterministic network of byte ranges, calls and empty steps.
#pragma once

#include "local_engine/grammar/expression.hpp"

#include <cstdint>
#include <vector>

namespace sluice::local_engine {

struct NetworkEdge {
    enum class Kind : std::uint8_t { Empty, Bytes, Call };
    Kind kind = Kind::Empty;
    std::uint8_t first = 0, last = 0;  // Bytes
    RuleId rule = 0;                   // Call
    std::int32_t to = 0;
};

struct RuleNetwork {
    std::vector<std::vector<NetworkEdge>> nodes;
    std::int32_t start = 0, end = 0;
};

// Small rules that call nothing are copied into their callers: whether a token fits then shows without looking at the
// callers of the caller. False: over the limits.
class NetworkBuilder {
public:
    explicit NetworkBuilder(const GrammarSource& source) : source_(source), small_(source.rules(), -1) {}
    bool build(std::vector<RuleNetwork>& out);

private:
    std::int32_t node();
    void link(std::int32_t from, std::int32_t to);
    void lay(ExpressionId id, std::int32_t from, std::int32_t to, int depth);
    void lay_set(const std::vector<CodeRange>& set, std::int32_t from, std::int32_t to);
    void lay_repeat(const Expression& expression, std::int32_t from, std::int32_t to, int depth);
    bool is_small(RuleId rule);
    int size_of(ExpressionId id, int depth) const;

    const GrammarSource& source_;
    RuleNetwork* rule_ = nullptr;
    std::vector<int> small_;  // by rule: -1 not known yet
    std::size_t nodes_ = 0;
    bool failed_ = false;
};

}  // namespace sluice::local_engine
