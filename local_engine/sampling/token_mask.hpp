// Which tokens of a vocabulary may come next: one bit per token.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice::local_engine {

class TokenMask {
public:
    TokenMask() = default;
    explicit TokenMask(std::size_t tokens) : words_((tokens + 63) / 64), tokens_(tokens) {}

    std::size_t size() const { return tokens_; }
    bool allows(std::int32_t token) const {
        const auto at = static_cast<std::size_t>(token);
        return token >= 0 && at < tokens_ && (words_[at / 64] >> (at % 64) & 1U) != 0;
    }
    void allow(std::int32_t token) { words_[word_of(token)] |= bit_of(token); }
    void forbid(std::int32_t token) { words_[word_of(token)] &= ~bit_of(token); }
    void clear() { words_.assign(words_.size(), 0); }
    void merge(const TokenMask& other) {
        for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
    }
    bool any() const {
        for (const std::uint64_t word : words_) {
            if (word != 0) return true;
        }
        return false;
    }
    std::size_t bytes() const { return words_.size() * sizeof(std::uint64_t); }

    // Makes every token that is not allowed impossible; ids beyond the mask too.
    void apply(std::span<float> logits) const {
        for (std::size_t start = 0; start < logits.size(); start += 64) {
            const std::uint64_t word = start / 64 < words_.size() ? words_[start / 64] : 0;
            if (word == ~std::uint64_t{0}) continue;
            for (std::size_t i = start; i < logits.size() && i < start + 64; ++i) {
                if ((word >> (i - start) & 1U) == 0) logits[i] = -INFINITY;
            }
        }
    }

private:
    static std::size_t word_of(std::int32_t token) { return static_cast<std::size_t>(token) / 64; }
    static std::uint64_t bit_of(std::int32_t token) {
        return std::uint64_t{1} << (static_cast<std::size_t>(token) % 64);
    }

    std::vector<std::uint64_t> words_;
    std::size_t tokens_ = 0;
};

}  // namespace sluice::local_engine
