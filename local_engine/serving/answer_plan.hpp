// What a request asks of the shape of its answer: functions that may or must be called, and how long the model may
// think.
#pragma once

#include "core/chat.hpp"
#include "local_engine/answer/answer_format.hpp"
#include "local_engine/answer/answer_parser.hpp"
#include "local_engine/answer/thought_meter.hpp"

#include <string>
#include <string_view>

namespace sluice::local_engine {

struct AnswerPlan {
    AnswerOptions options;             // for the parser of each choice; id_seed is the request's
    bool must_call = false;            // tool_choice "required", or a function
    std::string function;              // the one that must be called; empty: any
    std::int64_t thought_budget = -1;  // tokens; negative: none
    std::string prefill = {};          // what the answer begins with, already part of the prompt
    std::string begun = {};            // of it, what belongs to the call

    // Once the prompt's ending is known: whether it has begun a thought.
    void continue_from(std::string_view prompt_ending);
    // A call that must come, and comes at once: its beginning need not be generated (see serving/forced_calls.hpp).
    void begin_call();
    ThoughtOptions thought(const Tokenizer& tokenizer) const;
};

// Reads tools, tool_choice, parallel_tool_calls and thinking_budget (also as reasoning.max_tokens and
// chat_template_kwargs.thinking_budget). InvalidRequest names the field.
core::Result<AnswerPlan> plan_answer(const core::ChatRequest& request, const AnswerFormat& format,
                                     std::string_view request_id);

}  // namespace sluice::local_engine
