// The pieces JSON grammars are made of. What is generated is a subset of JSON that every parser takes: at most a line
// break and some indentation between tokens, numbers that fit a double, escapes without lone surrogates.
#pragma once

#include "local_engine/grammar/expression.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::local_engine {

class JsonParts {
public:
    explicit JsonParts(GrammarSource& grammar) : grammar_(grammar) {}

    ExpressionId space();            // between tokens, may be empty
    ExpressionId string();           // with its quotes
    ExpressionId string_character(); // one character between the quotes, or an escape
    ExpressionId plain_key(const std::vector<std::string>& except);  // a key without escapes that is none of these
    ExpressionId integer();
    ExpressionId number();
    ExpressionId value();   // anything
    ExpressionId object();  // with any members
    ExpressionId array();
    ExpressionId literal(std::string_view json);

    // Whole numbers from `least` to `most`, either may be absent.
    ExpressionId integer_between(std::optional<std::int64_t> least, std::optional<std::int64_t> most);
    // Numbers with or without a fraction between whole bounds below 1e9; `open` bounds are not themselves included.
    ExpressionId number_between(std::optional<std::int64_t> least, bool least_open, std::optional<std::int64_t> most,
                                bool most_open);
    // A set of characters as they stand between the quotes of a JSON string.
    ExpressionId escaped(const std::vector<CodeRange>& set);

private:
    RuleId rule(RuleId& known, ExpressionId (JsonParts::*make)());
    ExpressionId make_string();
    ExpressionId make_integer();
    ExpressionId make_number();
    ExpressionId make_value();
    ExpressionId make_object();
    ExpressionId make_array();
    ExpressionId digits(std::int32_t least, std::int32_t most);
    ExpressionId at_least(std::string_view digits);
    ExpressionId at_most(std::string_view digits);
    ExpressionId same_length(std::string_view least, std::string_view most);
    ExpressionId natural(std::uint64_t least, std::optional<std::uint64_t> most);
    ExpressionId zeros_fraction();
    ExpressionId fraction();

    GrammarSource& grammar_;
    RuleId string_ = -1, integer_ = -1, number_ = -1, value_ = -1, object_ = -1, array_ = -1;
};

}  // namespace sluice::local_engine
