#include "local_engine/tokenizer/detokenizer.hpp"

#include "local_engine/tokenizer/unicode.hpp"

#include <algorithm>

namespace sluice::local_engine {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// Appends `bytes` with what is not UTF-8 replaced.
void append_valid(std::string& text, std::string_view bytes) {
    while (!bytes.empty()) {
        const Character character = first_character(bytes.substr(0, 4));
        text += character.code_point == kInvalid ? kReplacement : bytes.substr(0, character.length);
        bytes.remove_prefix(character.length);
    }
}

}  // namespace

std::string Detokenizer::feed(TokenId token) {
    std::string_view bytes = tokenizer_->bytes(token);
    if (bytes.empty() && std::binary_search(spelled_.begin(), spelled_.end(), token)) bytes = tokenizer_->spelling(token);
    if (bytes.empty()) return {};
    if (first_ && bytes.front() == ' ') bytes.remove_prefix(1);
    first_ = false;
    held_ += bytes;
    const std::size_t unfinished = unfinished_bytes(held_);
    std::string text;
    append_valid(text, std::string_view(held_).substr(0, held_.size() - unfinished));
    held_.erase(0, held_.size() - unfinished);
    return text;
}

std::string Detokenizer::finish() {
    std::string text;
    if (!held_.empty()) text = kReplacement;  // one character was begun
    held_.clear();
    return text;
}

}  // namespace sluice::local_engine
