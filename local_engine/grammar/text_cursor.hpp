// Reads the notations of grammars and patterns character by character.
#pragma once

#include "core/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::local_engine {

class TextCursor {
public:
    explicit TextCursor(std::string_view text) : text_(text) {}

    bool at_end() const { return at_ >= text_.size(); }
    char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
    bool take(std::string_view word);
    char next() { return text_[at_++]; }  // not at the end
    // One UTF-8 character; nullopt: the bytes are not UTF-8.
    std::optional<std::uint32_t> character();
    std::optional<std::uint32_t> hex(int digits);
    // Decimal digits; nullopt: none, or more than `most`.
    std::optional<std::int32_t> number(std::int32_t most);
    std::size_t line() const;
    std::size_t offset() const { return at_; }
    std::string_view slice(std::size_t from) const { return text_.substr(from, at_ - from); }

private:
    std::string_view text_;
    std::size_t at_ = 0;
};

void append_utf8(std::string& out, std::uint32_t code);

}  // namespace sluice::local_engine
