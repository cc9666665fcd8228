// A conversation to the token ids a model was trained to continue. The format is recognised by the markers in the
// file's own template; the template itself is never executed.
//
// Text of the client and text of the format stay apart until they are tokens: nothing a client writes can become a turn
// marker or another control token. (Mistral's first format spells its markers in ordinary characters, for everybody.)
#pragma once

#include "core/chat.hpp"
#include "core/result.hpp"
#include "local_engine/gguf/reader.hpp"
#include "local_engine/tokenizer/tokenizer.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::local_engine {

class ChatTemplate {
public:
    // Unsupported, with field tokenizer.chat_template, when the file has no template or its format is not one of ours;
    // Corrupt, naming the marker, when the vocabulary lacks one as a control token.
    static core::Result<ChatTemplate> from(const gguf::Reader& file, const Tokenizer& tokenizer);

    // Ids of the prompt: BOS where the file wants it, the messages, and the opening of the assistant's turn (unless
    // `add_generation_prompt` in the body is false). Reads enable_thinking and date_string of chat_template_kwargs.
    // InvalidRequest names the field that the format cannot express: content that is not text, tools, tool turns.
    core::Result<std::vector<TokenId>> render(const core::ChatRequest& request) const;

    std::string_view format() const;  // "chatml", "mistral", "llama3"

private:
    enum class Format { ChatMl, Mistral, Llama3 };
    // What the template's text says beyond its markers.
    struct Style {
        Format format = Format::ChatMl;
        std::string default_system = {};                // Qwen2.5: when the conversation brings none
        std::string answer_start = {};                  // after the assistant's marker; reasoning models open "<think>"
        std::string answer_start_without_thought = {};  // with enable_thinking = false
        bool drops_old_thoughts = false;                // Qwen3: "<think>...</think>" of earlier answers is left out
        bool tells_date = false;                        // Llama 3.1: dates at the top of the system message
        std::string user_start = {}, user_end = {};     // Mistral
        std::string assistant_start = {};               // Mistral
    };
    class Prompt;

    ChatTemplate(Style style, Tokenizer tokenizer) : style_(std::move(style)), tokenizer_(std::move(tokenizer)) {}
    static core::Result<Style> recognise(std::string_view text);
    core::Result<void> check_markers() const;
    core::Result<void> chatml(const core::Json& body, Prompt& prompt) const;
    core::Result<void> mistral(const core::Json& body, Prompt& prompt) const;
    core::Result<void> llama3(const core::Json& body, Prompt& prompt) const;

    Style style_;
    Tokenizer tokenizer_;
};

}  // namespace sluice::local_engine
