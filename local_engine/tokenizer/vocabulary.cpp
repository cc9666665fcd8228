#include "local_engine/tokenizer/vocabulary.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Result;

constexpr std::size_t kMaxTokens = std::size_t{1} << 20U;
constexpr std::size_t kMaxText = std::size_t{1} << 24U;  // real ones have a few million bytes
// Chains in a half-empty table stay far below this; only spellings chosen to collide reach it.
constexpr std::size_t kMaxProbes = 256;

constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
constexpr std::string_view kTypes = "tokenizer.ggml.token_type";

Error corrupt(std::string_view key, std::string detail) {
    return Error{Errc::Corrupt, std::move(detail), std::string(key)};
}

}  // namespace

std::uint64_t mix(std::uint64_t value) {
    value ^= value >> 32U;
    value *= 0xD6E8FEB86659FD93U;
    value ^= value >> 32U;
    value *= 0xD6E8FEB86659FD93U;
    return value ^ value >> 32U;
}

std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = text.size();
    while (text.size() >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data(), 8);
        hash = mix(hash ^ word) + 0x9E3779B97F4A7C15U;
        text.remove_prefix(8);
    }
    std::uint64_t rest = 0;
    if (!text.empty()) std::memcpy(&rest, text.data(), text.size());
    return mix(hash ^ rest);
}

Result<Vocabulary> Vocabulary::from(const gguf::Reader& file) {
    Vocabulary vocabulary;
    if (auto done = vocabulary.read_spellings(file); !done) return done.error();
    if (auto done = vocabulary.read_kinds(file); !done) return done.error();
    vocabulary.slots_.resize(std::bit_ceil(std::max<std::size_t>(vocabulary.kinds_.size() * 2, 16)));
    for (TokenId token = 0; token < vocabulary.size(); ++token) {
        if (!vocabulary.insert(token)) return corrupt(kTokens, "spellings chosen to collide");
    }
    return vocabulary;
}

Result<void> Vocabulary::read_spellings(const gguf::Reader& file) {
    const auto tokens = file.require_strings(kTokens);
    if (!tokens) return tokens.error();
    if ((*tokens)->size() == 0) return corrupt(kTokens, "no tokens");
    if ((*tokens)->size() > kMaxTokens) {
        return corrupt(kTokens, std::to_string((*tokens)->size()) + " tokens are more than any model has");
    }
    std::size_t bytes = 0;
    (*tokens)->for_each_string([&](std::string_view text) { bytes += text.size(); });
    if (bytes > kMaxText) return corrupt(kTokens, std::to_string(bytes) + " bytes are more than any vocabulary has");
    spellings_.reserve(bytes);
    offsets_.reserve((*tokens)->size() + 1);
    offsets_.push_back(0);
    (*tokens)->for_each_string([&](std::string_view text) {
        spellings_ += text;
        offsets_.push_back(static_cast<std::uint32_t>(spellings_.size()));
        longest_ = std::max(longest_, text.size());
    });
    return {};
}

Result<void> Vocabulary::read_kinds(const gguf::Reader& file) {
    kinds_.assign(offsets_.size() - 1, Kind::Normal);
    if (!file.has(kTypes)) return {};
    const gguf::Array* types = file.array(kTypes);
    if (types == nullptr || !types->of_integers()) return corrupt(kTypes, "not an array of integers");
    if (types->size() != kinds_.size()) {
        return corrupt(kTypes,
                       std::to_string(types->size()) + " types for " + std::to_string(kinds_.size()) + " tokens");
    }
    for (std::size_t i = 0; i < kinds_.size(); ++i) {
        const std::int64_t type = types->integer(i);
        if (type < 0 || type > 6) {
            return corrupt(kTypes,
                           "type " + std::to_string(type) + " of token " + std::to_string(i) + " is not from 0 to 6");
        }
        if (type != 0) kinds_[i] = static_cast<Kind>(type);
    }
    return {};
}

std::string_view Vocabulary::spelling(TokenId token) const {
    const auto i = static_cast<std::size_t>(token);
    return std::string_view(spellings_).substr(offsets_[i], offsets_[i + 1] - offsets_[i]);
}

bool Vocabulary::insert(TokenId token) {
    const std::uint64_t hash = hash_of(spelling(token));
    const auto print = static_cast<std::uint32_t>(hash >> 32U);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t probe = 0; probe < kMaxProbes; ++probe) {
        Slot& slot = slots_[(hash + probe) & mask];
        if (slot.token == kNone || (slot.print == print && spelling(slot.token) == spelling(token))) {
            slot = {print, token};
            return true;
        }
    }
    return false;
}

TokenId Vocabulary::find(std::string_view wanted) const {
    if (wanted.size() > longest_) return kNone;
    const std::uint64_t hash = hash_of(wanted);
    const auto print = static_cast<std::uint32_t>(hash >> 32U);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t probe = 0; probe < kMaxProbes; ++probe) {
        const Slot& slot = slots_[(hash + probe) & mask];
        if (slot.token == kNone) return kNone;
        if (slot.print == print && spelling(slot.token) == wanted) return slot.token;
    }
    return kNone;
}

TokenId Vocabulary::find_text(std::string_view wanted) const {
    const TokenId token = find(wanted);
    if (token == kNone) return kNone;
    const Kind kind = this->kind(token);
    return kind == Kind::Control || kind == Kind::Unknown || kind == Kind::Byte ? kNone : token;
}

}  // namespace sluice::local_engine
