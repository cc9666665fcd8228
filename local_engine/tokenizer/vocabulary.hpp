// The token list of a model file: spellings, kinds, and the way from a spelling to its id.
#pragma once

#include "core/result.hpp"
#include "local_engine/gguf/reader.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::local_engine {

using TokenId = std::int32_t;

class Vocabulary {
public:
    enum class Kind : std::uint8_t { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };
    static constexpr TokenId kNone = -1;

    // Copies the list. Corrupt, naming the key, for lists that do not fit each other or are absurdly large.
    static core::Result<Vocabulary> from(const gguf::Reader& file);

    std::int32_t size() const { return static_cast<std::int32_t>(kinds_.size()); }
    bool contains(TokenId token) const { return token >= 0 && token < size(); }
    std::string_view spelling(TokenId token) const;  // the token is contained
    Kind kind(TokenId token) const { return kinds_[static_cast<std::size_t>(token)]; }
    void make_control(TokenId token) { kinds_[static_cast<std::size_t>(token)] = Kind::Control; }

    // kNone when there is none; of tokens spelled alike the last.
    TokenId find(std::string_view spelling) const;
    // The same for text that is not a marker: kNone for control, unknown and byte tokens. Whatever comes out of merging
    // ordinary text goes through here, so that text cannot grow into a control token.
    TokenId find_text(std::string_view spelling) const;

    std::size_t longest() const { return longest_; }  // bytes of the longest spelling

private:
    struct Slot {
        std::uint32_t print = 0;
        TokenId token = kNone;
    };

    core::Result<void> read_spellings(const gguf::Reader& file);
    core::Result<void> read_kinds(const gguf::Reader& file);
    bool insert(TokenId token);

    std::string spellings_;               // one after the other
    std::vector<std::uint32_t> offsets_;  // of each spelling; one more than there are tokens
    std::vector<Kind> kinds_;
    std::vector<Slot> slots_;  // open addressing; a power of two, at least twice the tokens
    std::size_t longest_ = 0;
};

// Spreads all bits of the text: for the tables of this folder.
std::uint64_t hash_of(std::string_view text);
std::uint64_t mix(std::uint64_t value);

}  // namespace sluice::local_engine
