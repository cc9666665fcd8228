// A grammar as it was written, whatever notation it came in: rules over bytes, as expressions. The tree may share parts:
// an expression used twice stands for two copies. Bounded in size: untrusted grammars are built with it.
#pragma once

#include "core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::local_engine {

// What a grammar may cost. Each bound is checked before memory is taken for it.
struct GrammarLimits {
    int depth = 32;                       // of brackets, and of nested schemas
    std::size_t rules = 4096;             //
    std::size_t expressions = 1U << 17U;  // parts of all rules
    std::int32_t repeats = 1024;          // largest count in {m,n}, minLength, maxItems and the like
    std::size_t states = 1U << 16U;       // of the automata
    std::uint64_t steps = 50'000'000;     // of compiling: well under a second
};

using ExpressionId = std::int32_t;
using RuleId = std::int32_t;

struct CodeRange {
    std::uint32_t first = 0, last = 0;  // code points, both included
};

struct Expression {
    enum class Kind : std::uint8_t { Bytes, Set, Sequence, Choice, Repeat, Rule };
    Kind kind = Kind::Bytes;
    std::string bytes = {};                // Bytes; may be empty
    std::vector<CodeRange> set = {};       // Set: one character of these, as UTF-8
    std::vector<ExpressionId> parts = {};  // Sequence, Choice, Repeat (one)
    std::int32_t least = 0, most = 0;      // Repeat; most < 0: no limit
    RuleId rule = 0;                       // Rule
};

class GrammarSource {
public:
    explicit GrammarSource(const GrammarLimits& limits = {}) : limits_(limits) {}

    ExpressionId bytes(std::string_view text);
    ExpressionId set(std::vector<CodeRange> ranges);
    ExpressionId any_of(std::string_view characters);  // ASCII
    ExpressionId sequence(std::vector<ExpressionId> parts);
    ExpressionId choice(std::vector<ExpressionId> parts);
    ExpressionId repeat(ExpressionId part, std::int32_t least, std::int32_t most);
    ExpressionId optional(ExpressionId part) { return repeat(part, 0, 1); }
    ExpressionId call(RuleId rule);

    RuleId add_rule();  // without a body: define() it before compiling
    void define(RuleId rule, ExpressionId body) { rules_[static_cast<std::size_t>(rule)] = body; }
    bool defined(RuleId rule) const { return rules_[static_cast<std::size_t>(rule)] >= 0; }

    RuleId root = 0;
    const GrammarLimits& limits() const { return limits_; }
    std::size_t rules() const { return rules_.size(); }
    ExpressionId body(RuleId rule) const { return rules_[static_cast<std::size_t>(rule)]; }
    const Expression& expression(ExpressionId id) const { return expressions_[static_cast<std::size_t>(id)]; }
    bool too_large() const { return too_large_; }  // a bound was passed: what was built since is not complete

private:
    ExpressionId add(Expression expression);

    GrammarLimits limits_;
    std::vector<Expression> expressions_;
    std::vector<ExpressionId> rules_;
    bool too_large_ = false;
};

// Sorted, joined, and without surrogates and what is beyond Unicode; `negate`: the other code points.
std::vector<CodeRange> tidy_ranges(std::vector<CodeRange> ranges, bool negate);

}  // namespace sluice::local_engine
