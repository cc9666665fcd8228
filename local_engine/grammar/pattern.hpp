// The `pattern` of a JSON schema: the regular part of ECMA 262's expressions, as the text between a string's quotes.
#pragma once

#include "local_engine/grammar/json_parts.hpp"

#include <string_view>

namespace sluice::local_engine {

// Literals, ., classes, \d \w \s and their opposites, groups, |, * + ? {m,n}, and ^ $ at the ends. A pattern that is not
// anchored may have any characters before and after it. InvalidRequest says what of the pattern is not supported.
core::Result<ExpressionId> parse_pattern(std::string_view pattern, GrammarSource& grammar, JsonParts& parts);

}  // namespace sluice::local_engine
