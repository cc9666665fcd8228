// The shape a request asks its answer to have: response_format (json_object, json_schema) or grammar (EBNF).
#pragma once

#include "core/json.hpp"
#include "local_engine/answer/answer_format.hpp"
#include "local_engine/grammar/constraint.hpp"
#include "local_engine/grammar/expression.hpp"
#include "local_engine/tokenizer/tokenizer.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>

namespace sluice::local_engine {

struct Structure {
    std::string text;  // what was asked for, as text: equal texts are equal grammars
    GrammarSource source;
};

// Nullopt: free text. InvalidRequest names the field, inside a schema too
// ("response_format.json_schema.schema.properties.age.multipleOf").
core::Result<std::optional<Structure>> read_structure(const core::Json& body);

// When the answer follows the grammar: at once, or, when the prompt has opened a thought (<think>, or what the format
// says) or the model may open one, behind </think>.
ConstraintPlan plan_constraint(std::shared_ptr<CompiledGrammar> grammar, std::span<const TokenId> prompt,
                               const Tokenizer& tokenizer, const AnswerFormat& format = {});

}  // namespace sluice::local_engine
