// Byte-level BPE: text is cut into pieces, each piece into bytes, and neighbours merge by rank until no merge applies.
#pragma once

#include "core/result.hpp"
#include "local_engine/gguf/reader.hpp"
#include "local_engine/tokenizer/pre_tokenizer.hpp"
#include "local_engine/tokenizer/vocabulary.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::local_engine {

class ByteBpe {
public:
    // The vocabulary must outlive it. Merges that name something outside of the vocabulary are left out.
    static core::Result<ByteBpe> from(const gguf::Reader& file, const Vocabulary& vocabulary);

    void encode(std::string_view text, std::vector<TokenId>& out) const;
    const PreTokenizer& pre_tokenizer() const { return pre_tokenizer_; }

    // A spelling's bytes: the vocabulary writes each byte as one printable character ("Ġ" is a space).
    static std::string bytes_of(std::string_view spelling);

private:
    struct Merge {  // slot of an open-addressing table
        std::uint64_t pair = 0;
        std::uint32_t rank = 0;
        TokenId result = Vocabulary::kNone;
    };
    struct Symbol {  // a token of the piece so far; neighbours by index
        TokenId token;
        std::int32_t before, after;
    };
    struct Candidate {
        std::uint32_t rank;
        std::int32_t left;
        TokenId first, second, result;
    };

    explicit ByteBpe(const Vocabulary& vocabulary) : vocabulary_(&vocabulary) {}
    core::Result<void> read_merges(const gguf::Array& merges);
    bool insert(std::uint64_t pair, std::uint32_t rank, TokenId result);
    const Merge* find(TokenId left, TokenId right) const;
    void encode_piece(std::string_view piece, std::vector<Symbol>& symbols, std::vector<Candidate>& heap,
                      std::vector<TokenId>& out) const;

    const Vocabulary* vocabulary_;
    PreTokenizer pre_tokenizer_;
    std::array<TokenId, 256> byte_tokens_{};
    std::vector<Merge> merges_;
};

}  // namespace sluice::local_engine
