#include "local_engine/tokenizer/sentence_pieces.hpp"

#include "local_engine/tokenizer/unicode.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Result;

constexpr std::string_view kScores = "tokenizer.ggml.scores";
constexpr std::string_view kSpace = "\xE2\x96\x81";  // U+2581

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

// Byte of a spelling like "<0x0A>"; -1 when it is not one.
int byte_of(std::string_view spelling) {
    if (spelling.size() != 6 || !spelling.starts_with("<0x") || spelling[5] != '>') return -1;
    const int high = hex_digit(spelling[3]);
    const int low = hex_digit(spelling[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

}  // namespace

Result<SentencePieces> SentencePieces::from(const gguf::Reader& file, const Vocabulary& vocabulary) {
    SentencePieces pieces(vocabulary);
    if (auto done = pieces.read_scores(file); !done) return done.error();
    if (auto done = pieces.read_byte_tokens(); !done) return done.error();
    const auto adds_space = file.boolean_or("tokenizer.ggml.add_space_prefix", true);
    if (!adds_space) return adds_space.error();
    pieces.adds_space_ = *adds_space;
    const auto unknown = file.integer("tokenizer.ggml.unknown_token_id");
    if (unknown && *unknown >= 0 && *unknown < vocabulary.size()) pieces.unknown_ = static_cast<TokenId>(*unknown);
    return pieces;
}

Result<void> SentencePieces::read_scores(const gguf::Reader& file) {
    const gguf::Array* scores = file.array(kScores);
    if (scores == nullptr || !scores->of_numbers()) {
        return Error{Errc::Corrupt, "the file does not have this array of numbers", std::string(kScores)};
    }
    const auto tokens = static_cast<std::size_t>(vocabulary_->size());
    if (scores->size() != tokens) {
        return Error{Errc::Corrupt,
                     std::to_string(scores->size()) + " scores for " + std::to_string(tokens) + " tokens",
                     std::string(kScores)};
    }
    scores_.reserve(tokens);
    for (std::size_t i = 0; i < tokens; ++i) {
        const double score = scores->number(i);
        if (std::isnan(score)) {
            return Error{Errc::Corrupt, "the score of token " + std::to_string(i) + " is not a number",
                         std::string(kScores)};
        }
        scores_.push_back(static_cast<float>(score));
    }
    return {};
}

Result<void> SentencePieces::read_byte_tokens() {
    byte_tokens_.fill(Vocabulary::kNone);
    for (TokenId token = 0; token < vocabulary_->size(); ++token) {
        if (vocabulary_->kind(token) != Vocabulary::Kind::Byte) continue;
        const int byte = byte_of(vocabulary_->spelling(token));
        if (byte < 0) {
            return Error{Errc::Corrupt, "token " + std::to_string(token) + " is a byte but not spelled like one",
                         "tokenizer.ggml.tokens"};
        }
        byte_tokens_[static_cast<std::size_t>(byte)] = token;
    }
    return {};
}

std::string SentencePieces::bytes_of(TokenId token) const {
    const std::string_view spelling = vocabulary_->spelling(token);
    if (vocabulary_->kind(token) == Vocabulary::Kind::Byte) return std::string(1, static_cast<char>(byte_of(spelling)));
    std::string text;
    for (std::size_t at = 0; at < spelling.size();) {
        if (spelling.substr(at).starts_with(kSpace)) {
            text.push_back(' ');
            at += kSpace.size();
        } else {
            text.push_back(spelling[at++]);
        }
    }
    return text;
}

void SentencePieces::encode(std::string_view text, bool first, std::vector<TokenId>& out) const {
    if (text.empty()) return;
    std::string escaped;
    escaped.reserve(text.size() + kSpace.size());
    if (first && adds_space_) escaped += kSpace;
    for (const char c : text) {
        if (c == ' ') {
            escaped += kSpace;
        } else {
            escaped.push_back(c);
        }
    }
    std::vector<Symbol> symbols;
    for (std::size_t at = 0; at < escaped.size();) {
        const std::uint32_t length = first_character(std::string_view(escaped).substr(at, 4)).length;
        const auto index = static_cast<std::int32_t>(symbols.size());
        symbols.push_back({static_cast<std::uint32_t>(at), length, index - 1, index + 1});
        at += length;
    }
    symbols.back().after = -1;
    merge(escaped, symbols);
    for (std::int32_t i = 0; i >= 0; i = symbols[static_cast<std::size_t>(i)].after) {
        const Symbol& symbol = symbols[static_cast<std::size_t>(i)];
        emit(std::string_view(escaped).substr(symbol.begin, symbol.length), out);
    }
}

// A symbol only ever grows to the right, so a pair is gone exactly when its total length has changed (or its left
// symbol was swallowed, length 0).
void SentencePieces::merge(const std::string& text, std::vector<Symbol>& symbols) const {
    const auto at = [&](std::int32_t i) -> Symbol& { return symbols[static_cast<std::size_t>(i)]; };
    const auto later = [](const Candidate& a, const Candidate& b) {
        return a.score != b.score ? a.score < b.score : a.left > b.left;
    };
    std::vector<Candidate> heap;
    const auto candidate = [&](std::int32_t left) {
        const Symbol& symbol = at(left);
        if (symbol.after < 0) return false;
        const std::uint32_t length = symbol.length + at(symbol.after).length;
        const TokenId token = vocabulary_->find_text(std::string_view(text).substr(symbol.begin, length));
        if (token == Vocabulary::kNone) return false;
        heap.push_back({scores_[static_cast<std::size_t>(token)], left, length});
        return true;
    };
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(symbols.size()); ++i) candidate(i);
    std::make_heap(heap.begin(), heap.end(), later);
    while (!heap.empty()) {
        std::pop_heap(heap.begin(), heap.end(), later);
        const Candidate best = heap.back();
        heap.pop_back();
        Symbol& left = at(best.left);
        if (left.length == 0 || left.after < 0 || left.length + at(left.after).length != best.length) continue;
        Symbol& right = at(left.after);
        left.length = best.length;
        left.after = right.after;
        right.length = 0;
        if (left.after >= 0) at(left.after).before = best.left;
        if (candidate(best.left)) std::push_heap(heap.begin(), heap.end(), later);
        if (left.before >= 0 && candidate(left.before)) std::push_heap(heap.begin(), heap.end(), later);
    }
}

void SentencePieces::emit(std::string_view symbol, std::vector<TokenId>& out) const {
    if (const TokenId token = vocabulary_->find_text(symbol); token != Vocabulary::kNone) {
        out.push_back(token);
        return;
    }
    for (const char c : symbol) {
        TokenId token = byte_tokens_[static_cast<unsigned char>(c)];
        if (token == Vocabulary::kNone) token = unknown_;
        if (token != Vocabulary::kNone) out.push_back(token);
    }
}

}  // namespace sluice::local_engine
