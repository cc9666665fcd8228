// SentencePiece-style vocabularies (Llama 2, Mixtral): characters merge while the result is a token, best score first.
// A space is written "▁" (U+2581), and characters the vocabulary lacks become one token per byte.
#pragma once

#include "core/result.hpp"
#include "local_engine/gguf/reader.hpp"
#include "local_engine/tokenizer/vocabulary.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::local_engine {

class SentencePieces {
public:
    // The vocabulary must outlive it.
    static core::Result<SentencePieces> from(const gguf::Reader& file, const Vocabulary& vocabulary);

    // `first`: the text begins the prompt or follows a special token; such text gets a space in front if the file says
    // so.
    void encode(std::string_view text, bool first, std::vector<TokenId>& out) const;
    bool adds_space() const { return adds_space_; }

    std::string bytes_of(TokenId token) const;

private:
    struct Symbol {  // a stretch of the text; neighbours by index
        std::uint32_t begin, length;
        std::int32_t before, after;
    };
    struct Candidate {
        float score;
        std::int32_t left;
        std::uint32_t length;  // of both together: tells whether the pair is still there
    };

    explicit SentencePieces(const Vocabulary& vocabulary) : vocabulary_(&vocabulary) {}
    core::Result<void> read_scores(const gguf::Reader& file);
    core::Result<void> read_byte_tokens();
    void merge(const std::string& text, std::vector<Symbol>& symbols) const;
    void emit(std::string_view symbol, std::vector<TokenId>& out) const;

    const Vocabulary* vocabulary_;
    std::vector<float> scores_;
    std::array<TokenId, 256> byte_tokens_{};
    TokenId unknown_ = Vocabulary::kNone;
    bool adds_space_ = true;
};

}  // namespace sluice::local_engine
