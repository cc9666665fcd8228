// A conversation to the token ids a model was trained to continue: the file's own template, run by the interpreter in
// jinja/. Files without one get the built-in format that fits their vocabulary.
//
// Text of the client and text of the template stay apart until they are tokens: nothing a client writes can become a
// turn marker, a tool marker or another special token. (Mistral's first format spells its markers in ordinary
// characters, for everybody.)
#pragma once

#include "core/chat.hpp"
#include "core/result.hpp"
#include "local_engine/chat_template/conversation.hpp"
#include "local_engine/chat_template/jinja/template.hpp"
#include "local_engine/gguf/reader.hpp"
#include "local_engine/tokenizer/tokenizer.hpp"

#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::local_engine {

// A prompt as tokens, and its end as text: whether it opened a thought is seen there.
struct Prompt {
    std::vector<TokenId> tokens;
    std::string ending;  // at most 64 bytes, and only if the template wrote them
};

bool is_built_in_template(std::string_view name);

class ChatTemplate {
public:
    // Unsupported, with field tokenizer.chat_template, when the template is not one the interpreter can run (the detail
    // names the line and the word) or the file has none and no built-in fits.
    static core::Result<ChatTemplate> from(const gguf::Reader& file, const Tokenizer& tokenizer);
    // Without a model: `source` is a template or the name of a built-in.
    static core::Result<ChatTemplate> parse(std::string_view source, std::string bos, std::string eos);

    // The prompt: the messages, and the opening of the assistant's turn unless `add_generation_prompt` in the body is
    // false. Reads tools, reasoning_effort and chat_template_kwargs too. InvalidRequest names the field that the format
    // cannot express; TooLarge: the interpreter's limits, which grow with the request. Pre: `body` was checked by
    // core::ChatRequest.
    core::Result<jinja::Text> text(const core::Json& body, std::time_t now) const;
    // The same as tokens, with BOS where the file wants it and the template has not written it, and with tools that the
    // template knows nothing of described in words. `prefill` is what the
    // answer has to begin with. Pre: made by from().
    core::Result<Prompt> render(const core::ChatRequest& request, std::string_view prefill = {}) const;

    const std::string& source() const { return source_; }
    std::string_view format() const { return built_in_; }  // name of the built-in; empty: the file's own

private:
    ChatTemplate(jinja::Template program, std::string source)
        : program_(std::move(program)), source_(std::move(source)) {}

    jinja::Template program_;
    std::string source_;
    std::string built_in_;
    Dialect dialect_;
    std::string bos_, eos_;  // as text
    std::optional<Tokenizer> tokenizer_;
};

}  // namespace sluice::local_engine
