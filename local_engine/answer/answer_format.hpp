// What an answer looks like in each family of models: where thoughts begin and end, and how a function is called.
// Chosen by the markers in the model's chat template.
#pragma once

#include "local_engine/tokenizer/tokenizer.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::local_engine {

enum class CallSyntax {
    Bare,      // {"name", "parameters" | "arguments"} as the whole answer, or a list; also after <|python_tag|> (Llama)
    Tagged,    // <tool_call> with {"name", "arguments"} (Qwen, Hermes) or <function=...> (Qwen3-Coder) in it
    Mistral,   // [TOOL_CALLS] with a list, or NAME[ARGS]{...}
    DeepSeek,  // <｜tool▁call▁begin｜>...
    Harmony,   // channels (gpt-oss)
};

struct AnswerFormat {
    CallSyntax calls = CallSyntax::Bare;
    std::string thought_open = {};  // empty: no thoughts
    std::string thought_close = {};
    std::vector<TokenId> spelled = {};  // sorted: control tokens that mean something here, and so become text
    std::string thought_end_text = {};  // what ends a thought that has gone on for too long

    // `tokenizer` may be null: then there are no tokens to spell.
    static AnswerFormat of(std::string_view chat_template, const Tokenizer* tokenizer);
    // Whether a prompt that ends like this has begun a thought.
    bool opened_by(std::string_view prompt_ending) const;
    // What an answer that must call `function` (empty: any) begins with; appended to the prompt. `in_thought`: the
    // prompt has begun a thought, which is closed first.
    std::string call_prefill(std::string_view function, bool in_thought) const;
    bool named_json_in_fence = false;  // DeepSeek R1: "function", then the name, then fenced JSON
    bool mistral_arguments = false;    // NAME[ARGS]
    bool call_ids_short = false;       // Mistral: nine letters
};

}  // namespace sluice::local_engine
