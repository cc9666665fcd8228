// A grammar as text, in the notation llama.cpp's users know (GBNF) and its EBNF relatives:
//   root ::= "a" [0-9]+ (x | y)* .{2,5}    # comment
// Literals in "" or '' with \n \t \r \\ \" \' \xHH \uHHHH \UHHHHHHHH; classes with ranges and ^; . is any character;
// * + ? {m} {m,} {m,n}; alternatives with |. `root` is where it starts; "=" and ":" may stand for "::=".
#pragma once

#include "local_engine/grammar/expression.hpp"

#include <string_view>

namespace sluice::local_engine {

// InvalidRequest says the line and what was expected there; nothing of the text is repeated but names of rules.
core::Result<GrammarSource> parse_ebnf(std::string_view text, const GrammarLimits& limits = {});

}  // namespace sluice::local_engine
