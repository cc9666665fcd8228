// The texts of a vocabulary's tokens as a trie in preorder: a walk over it tries each byte of a common beginning once and
// steps over everything below a byte that does not fit. Built once per model; immutable; any thread.
#pragma once

#include "local_engine/tokenizer/tokenizer.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::local_engine {

class VocabularyTrie {
public:
    static constexpr std::size_t kMostNodes = std::size_t{1} << 21U;  // 32 MiB
    struct Node {
        std::uint32_t skip = 0;         // first node that is not below this one
        std::uint32_t first_token = 0;  // tokens that end here, in tokens()
        std::uint16_t tokens = 0;
        std::uint16_t depth = 0;  // bytes up to here, at least 1
        std::uint8_t byte = 0;    // the last of them
    };

    // Tokens without text (control tokens) are in no node. Texts beyond 65,535 bytes are left out,
    // and those for which there is no room in kMostNodes: several times what real vocabularies need.
    VocabularyTrie(std::int32_t size, const std::function<std::string_view(TokenId)>& bytes);
    // `markers`: control tokens that a grammar may ask for, by kMarker and their spelling.
    static VocabularyTrie of(const Tokenizer& tokenizer, std::span<const TokenId> markers = {});

    // In front of a marker's spelling: a byte that no text has, so that neither a client's grammar nor the strings of a
    // JSON value can bring a control token about.
    static constexpr char kMarker = '\xFF';

    std::span<const Node> nodes() const { return nodes_; }
    std::span<const TokenId> tokens(const Node& node) const {
        return std::span(tokens_).subspan(node.first_token, node.tokens);
    }
    std::int32_t vocabulary() const { return size_; }
    const std::vector<TokenId>& ends() const { return ends_; }  // end-of-generation tokens, by of()
    // What a marker stands in the trie as; empty for other tokens.
    std::string_view marker(TokenId token) const;

private:
    std::vector<Node> nodes_;
    std::vector<TokenId> tokens_;
    std::vector<TokenId> ends_;
    std::vector<std::pair<TokenId, std::string>> markers_;
    std::int32_t size_ = 0;
};

}  // namespace sluice::local_engine
