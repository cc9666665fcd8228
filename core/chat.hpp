// A chat completion (or an embeddings request) as a client sent it: the whole JSON body, so that fields Sluice does not know reach the provider,
// and the few fields Sluice acts on, checked. Immutable. It has no formatter and no stream operator: a prompt in a log
// line does not compile (tests/compile_fail/).
#pragma once

#include <optional>
#include <string>

#include "core/json.hpp"
#include "core/money.hpp"
#include "core/result.hpp"

namespace sluice::core {

// Bounds on what one request may ask for, checked before anything is allocated for it.
struct ChatLimits {
    std::size_t max_messages = 4096;
    std::int64_t max_choices = 16;
    Tokens max_tokens = 1'000'000;
    std::size_t max_stop = 16;
    std::size_t max_tools = 256;
    std::size_t max_inputs = 2048;  // texts of one embeddings request
};

// What a request asks for. Everything that judges, prices and forwards requests treats them alike.
enum class Operation { Chat, Embeddings };

class ChatRequest {
public:
    // Checks the fields Sluice acts on; an error names the field as the client wrote it ("messages[2].role").
    static Result<ChatRequest> from_json(Json body, const ChatLimits& limits = {});

    // The same for POST /v1/embeddings: `input` is a text or an array of texts.
    static Result<ChatRequest> from_embeddings_json(Json body, const ChatLimits& limits = {});

    Operation operation() const { return operation_; }
    const Json& body() const { return body_; }
    const std::string& model() const { return model_; }
    bool stream() const { return stream_; }
    bool include_usage() const { return include_usage_; }             // stream_options.include_usage
    std::optional<Tokens> max_tokens() const { return max_tokens_; }  // max_completion_tokens, else max_tokens
    std::int64_t choices() const { return choices_; }                 // n
    bool has_tools() const { return has_tools_; }
    bool has_attachments() const { return has_attachments_; }  // content parts other than text: images, audio, files
    // Upper bound of prompt tokens for any byte-level tokenizer: a token covers at least one byte, plus framing per message.
    Tokens prompt_tokens_bound() const { return prompt_bound_; }

private:
    ChatRequest() = default;

    Json body_;
    Operation operation_ = Operation::Chat;
    std::string model_;
    bool stream_ = false;
    bool include_usage_ = false;
    bool has_tools_ = false;
    bool has_attachments_ = false;
    std::optional<Tokens> max_tokens_;
    std::int64_t choices_ = 1;
    Tokens prompt_bound_ = 0;
};

}  // namespace sluice::core
