// tool_choice "required", or a function by its name, as a grammar of the whole answer: the call syntax of the model's
// family, names of functions that were offered, arguments by their schemas. Arguments whose schema says what no grammar
// can (or that is too large for one) may be any object, unless the function is strict.
#pragma once

#include "core/result.hpp"
#include "local_engine/answer/answer_format.hpp"
#include "local_engine/serving/answer_plan.hpp"
#include "local_engine/serving/structured_output.hpp"
#include "local_engine/tokenizer/tokenizer.hpp"

#include <string>
#include <string_view>

namespace sluice::local_engine {

// plan.must_call is set. InvalidRequest names the field: "tools[1].function.parameters.properties.a.multipleOf".
core::Result<Structure> forced_calls(const AnswerPlan& plan, const Tokenizer& tokenizer);

// Text of an answer as grammars have it: control tokens that mean something in this format as VocabularyTrie::kMarker
// and their spelling.
std::string with_markers(std::string_view text, const AnswerFormat& format, const Tokenizer& tokenizer);

}  // namespace sluice::local_engine
