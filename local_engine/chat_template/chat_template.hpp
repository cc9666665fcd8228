// A conversation to the token ids a model was trained to continue. The format is recognised by the markers in the
// file's own template; the template itself is never executed.
//
// Text of the client and text of the format stay apart until they are tokens: nothing a client writes can become a turn
// marker or another control token.
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
    // Unsupported, with field tokenizer.chat_template, when the format is not one of ours; Corrupt when the vocabulary
    // lacks a marker of the format as a control token.
    static core::Result<ChatTemplate> from(const gguf::Reader& file, const Tokenizer& tokenizer);

    // Ids of the prompt, BOS included where the file wants it, with the opening of the assistant's turn at the end.
    // InvalidRequest names the message field that the format cannot express: content that is not text, an unknown role,
    // tool calls.
    core::Result<std::vector<TokenId>> render(const core::ChatRequest& request) const;

    std::string_view format() const;  // "chatml", "mistral", "llama3"

private:
    enum class Format { ChatMl, Mistral, Llama3 };
    ChatTemplate(Format format, Tokenizer tokenizer) : format_(format), tokenizer_(std::move(tokenizer)) {}

    Format format_;
    Tokenizer tokenizer_;
    bool closes_thinking_ = false;  // Qwen3: enable_thinking = false renders an empty thought
    std::string default_system_;    // Qwen2.5: used when the conversation brings none
};

}  // namespace sluice::local_engine
