#include "local_engine/speculation/prompt_lookup.hpp"

#include <algorithm>

namespace sluice::local_engine {

PromptLookup::PromptLookup(std::span<const std::int32_t> prompt) {
    for (const std::int32_t token : prompt) note(token);
}

std::uint64_t PromptLookup::gram_ending(std::size_t end) const {
    std::uint64_t hash = 0;
    for (std::size_t i = end - kGram; i < end; ++i) {
        hash = (hash ^ static_cast<std::uint32_t>(tokens_[i])) * 0x9e3779b97f4a7c15U;
        hash ^= hash >> 29U;
    }
    return hash;
}

void PromptLookup::note(std::int32_t token) {
    // A gram is remembered once something stands behind it.
    if (tokens_.size() >= kGram) behind_[gram_ending(tokens_.size())] = static_cast<std::uint32_t>(tokens_.size());
    tokens_.push_back(token);
}

std::vector<std::int32_t> PromptLookup::guess(std::size_t most) const {
    if (tokens_.size() < kGram || most == 0) return {};
    const auto found = behind_.find(gram_ending(tokens_.size()));
    if (found == behind_.end()) return {};
    const std::size_t start = found->second;
    if (!std::equal(tokens_.end() - kGram, tokens_.end(), tokens_.begin() + static_cast<std::ptrdiff_t>(start - kGram))) return {};
    const std::size_t count = std::min(most, tokens_.size() - start);
    return {tokens_.begin() + static_cast<std::ptrdiff_t>(start), tokens_.begin() + static_cast<std::ptrdiff_t>(start + count)};
}

}  // namespace sluice::local_engine
