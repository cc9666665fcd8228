#include "local_engine/grammar/vocabulary_trie.hpp"

#include <algorithm>

namespace sluice::local_engine {

VocabularyTrie::VocabularyTrie(std::int32_t size, const std::function<std::string_view(TokenId)>& bytes) : size_(size) {
    struct Entry {
        std::string_view text;
        TokenId token;
    };
    std::vector<Entry> entries;
    for (TokenId token = 0; token < size; ++token) {
        const std::string_view text = bytes(token);
        if (!text.empty() && text.size() <= UINT16_MAX) entries.push_back({text, token});
    }
    std::ranges::sort(entries, [](const Entry& a, const Entry& b) {
        return a.text != b.text ? a.text < b.text : a.token < b.token;
    });
    const auto common_with = [](std::string_view text, std::string_view before) {
        return static_cast<std::size_t>(std::ranges::mismatch(text, before).in1 - text.begin());
    };
    std::size_t wanted = 0;
    std::string_view last;
    for (const Entry& entry : entries) {
        wanted += entry.text.size() - common_with(entry.text, last);
        last = entry.text;
    }
    nodes_.reserve(std::min(wanted, kMostNodes));
    tokens_.reserve(entries.size());
    std::vector<std::uint32_t> path;  // nodes of the current text, by depth
    last = {};
    for (const Entry& entry : entries) {
        const std::size_t common = common_with(entry.text, last);
        if (nodes_.size() + entry.text.size() - common > kMostNodes) continue;
        for (; path.size() > common; path.pop_back()) nodes_[path.back()].skip = static_cast<std::uint32_t>(nodes_.size());
        for (std::size_t depth = common; depth < entry.text.size(); ++depth) {
            path.push_back(static_cast<std::uint32_t>(nodes_.size()));
            nodes_.push_back({.first_token = static_cast<std::uint32_t>(tokens_.size()),
                              .depth = static_cast<std::uint16_t>(depth + 1),
                              .byte = static_cast<std::uint8_t>(entry.text[depth])});
        }
        Node& node = nodes_[path.back()];
        if (node.tokens == 0) node.first_token = static_cast<std::uint32_t>(tokens_.size());
        if (node.tokens < UINT16_MAX) {
            ++node.tokens;
            tokens_.push_back(entry.token);
        }
        last = entry.text;
    }
    for (const std::uint32_t node : path) nodes_[node].skip = static_cast<std::uint32_t>(nodes_.size());
}

VocabularyTrie VocabularyTrie::of(const Tokenizer& tokenizer, std::span<const TokenId> markers) {
    std::vector<std::pair<TokenId, std::string>> marked;
    for (const TokenId token : markers) marked.emplace_back(token, kMarker + std::string(tokenizer.spelling(token)));
    const auto text_of = [&](TokenId token) -> std::string_view {
        const auto found = std::ranges::find(marked, token, &std::pair<TokenId, std::string>::first);
        if (found != marked.end()) return found->second;
        // A token of this byte would spell the beginning of a marker; no text of a grammar has it.
        const std::string_view bytes = tokenizer.bytes(token);
        return bytes.find(kMarker) == std::string_view::npos ? bytes : std::string_view();
    };
    // Other control tokens have no bytes, so no grammar allows them.
    VocabularyTrie trie(tokenizer.size(), text_of);
    trie.markers_ = std::move(marked);
    for (TokenId token = 0; token < tokenizer.size(); ++token) {
        if (tokenizer.is_end_of_generation(token)) trie.ends_.push_back(token);
    }
    return trie;
}

std::string_view VocabularyTrie::marker(TokenId token) const {
    const auto found = std::ranges::find(markers_, token, &std::pair<TokenId, std::string>::first);
    return found != markers_.end() ? std::string_view(found->second) : std::string_view();
}

}  // namespace sluice::local_engine
