#include "local_engine/tokenizer/special_tokens.hpp"

#include <algorithm>
#include <functional>

namespace sluice::local_engine {
namespace {

std::size_t byte(std::string_view text, std::size_t at) {
    return static_cast<unsigned char>(text[at]);
}
std::size_t pair(std::string_view text, std::size_t at) {
    return byte(text, at) << 8U | byte(text, at + 1);
}

// "<think>", "<|im_start|>", "[INST]": what a template means and a reader recognises.
bool written_as_marker(std::string_view spelling) {
    if (spelling.size() < 3) return false;
    if (spelling.front() == '<' && spelling.back() == '>') return true;
    return spelling.front() == '[' && spelling.back() == ']' &&
           std::any_of(spelling.begin(), spelling.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace

SpecialMatcher::SpecialMatcher(const Vocabulary& vocabulary, Which which)
    : vocabulary_(&vocabulary), which_(which) {
    for (TokenId token = 0; token < vocabulary.size(); ++token) {
        const std::string_view spelling = vocabulary.spelling(token);
        if (spelling.empty() || !wanted(token)) continue;
        lengths_.push_back(spelling.size());
        if (spelling.size() == 1) {
            single_.set(byte(spelling, 0));
        } else {
            first_two_.set(pair(spelling, 0));
        }
    }
    std::sort(lengths_.begin(), lengths_.end(), std::greater<>());
    lengths_.erase(std::unique(lengths_.begin(), lengths_.end()), lengths_.end());
}

bool SpecialMatcher::wanted(TokenId token) const {
    const Vocabulary::Kind kind = vocabulary_->kind(token);
    if (kind == Vocabulary::Kind::UserDefined) {
        return which_ != Which::Unmarked || !written_as_marker(vocabulary_->spelling(token));
    }
    return which_ == Which::All && (kind == Vocabulary::Kind::Control || kind == Vocabulary::Kind::Unknown);
}

std::vector<SpecialMatcher::Match> SpecialMatcher::find(std::string_view text) const {
    std::vector<std::size_t> candidates;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (single_.test(byte(text, at)) || (at + 1 < text.size() && first_two_.test(pair(text, at))))
            candidates.push_back(at);
    }
    std::vector<Match> matches;
    if (candidates.empty()) return matches;

    std::vector<bool> taken(text.size());
    for (const std::size_t length : lengths_) {
        for (const std::size_t at : candidates) {
            // Whatever is taken is at least as long: it cannot lie strictly inside of this stretch.
            if (at + length > text.size() || taken[at] || taken[at + length - 1]) continue;
            const TokenId token = vocabulary_->find(text.substr(at, length));
            if (token == Vocabulary::kNone || !wanted(token)) continue;
            std::fill_n(taken.begin() + static_cast<std::ptrdiff_t>(at), length, true);
            matches.push_back({at, at + length, token});
        }
    }
    std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) { return a.begin < b.begin; });
    return matches;
}

}  // namespace sluice::local_engine
