// Text to token ids and back, by the vocabulary in a model file: byte-level BPE and SentencePiece-style vocabularies.
// Control tokens (turn markers, end of text) are the boundary between the template and what users write: they are only
// recognised in pieces given as Parse. Immutable and copyable (copies share the vocabulary); any thread may call.
#pragma once

#include "core/result.hpp"
#include "local_engine/gguf/reader.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::local_engine {

using TokenId = std::int32_t;

enum class SpecialTokens {
    Plain,   // a control token's spelling is ordinary text; user-defined tokens still match
    Parse,   // text of the chat template: control tokens match too
    Opaque,  // what clients write in a conversation: of user-defined tokens, those written as markers ("<tool_call>",
             // "[IMG]") do not match either; others, such as runs of spaces, do
};

// A part of a prompt. Ordinary text joins across neighbouring pieces before it is split into tokens, as if the prompt
// had been tokenised in one go; special tokens match inside one piece only.
struct TextPiece {
    std::string_view text;
    SpecialTokens mode = SpecialTokens::Plain;
};

class Tokenizer {
public:
    // Copies what it needs from the file. Errors: Corrupt names the key, Unsupported the tokenizer.ggml.model or
    // tokenizer.ggml.pre it does not know (a wrong splitter would degrade answers silently).
    static core::Result<Tokenizer> from(const gguf::Reader& file);

    // Any bytes are accepted; time grows as n log n. Neither BOS nor EOS is added.
    std::vector<TokenId> encode(std::string_view text, SpecialTokens mode) const;
    std::vector<TokenId> encode(std::span<const TextPiece> pieces) const;

    // The bytes of all tokens together: not necessarily UTF-8. Control tokens and unknown ids give nothing.
    std::string decode(std::span<const TokenId> tokens) const;

    // What a token adds to the text; empty for control tokens and for ids outside of [0, size()).
    std::string_view bytes(TokenId token) const;
    // As in the vocabulary: "<|im_end|>", "Ġthe".
    std::string_view spelling(TokenId token) const;
    std::optional<TokenId> find(std::string_view spelling) const;

    bool is_control(TokenId token) const;
    bool is_end_of_generation(TokenId token) const;
    std::optional<TokenId> bos() const;
    std::optional<TokenId> eos() const;
    bool add_bos() const;             // the file wants BOS before a prompt
    bool add_eos() const;             // and EOS after it
    bool strips_first_space() const;  // the first space of decoded text is an artefact of the encoding
    std::int32_t size() const;        // may be less than the model's logits: mask the surplus

private:
    struct Parts;
    explicit Tokenizer(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
    std::shared_ptr<const Parts> parts_;
};

}  // namespace sluice::local_engine
