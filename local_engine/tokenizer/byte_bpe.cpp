#include "local_engine/tokenizer/byte_bpe.hpp"

#include "local_engine/tokenizer/unicode.hpp"

#include <algorithm>
#include <bit>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Result;

constexpr std::size_t kMaxMerges = std::size_t{1} << 20U;
constexpr std::size_t kMaxProbes = 256;  // only pairs chosen to collide get there
constexpr std::string_view kMerges = "tokenizer.ggml.merges";

// The printable alphabet of byte-level vocabularies: visible Latin-1 characters stand for themselves, all other bytes,
// in order, for the code points from 256 on.
constexpr bool stands_for_itself(unsigned byte) {
    return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<char32_t, 256> kAlphabet = [] {
    std::array<char32_t, 256> alphabet{};
    char32_t next = 256;
    for (unsigned byte = 0; byte < 256; ++byte) alphabet[byte] = stands_for_itself(byte) ? byte : next++;
    return alphabet;
}();

// Byte of each character of the alphabet; -1 for others.
constexpr std::array<std::int16_t, 324> kBytes = [] {
    std::array<std::int16_t, 324> bytes{};
    for (auto& byte : bytes) byte = -1;
    for (std::size_t byte = 0; byte < 256; ++byte) bytes[kAlphabet[byte]] = static_cast<std::int16_t>(byte);
    return bytes;
}();

void append_letter(std::string& text, char byte) {
    const char32_t letter = kAlphabet[static_cast<unsigned char>(byte)];
    if (letter < 0x80) {
        text.push_back(static_cast<char>(letter));
    } else {
        text.push_back(static_cast<char>(0xC0U | letter >> 6U));
        text.push_back(static_cast<char>(0x80U | (letter & 0x3FU)));
    }
}

std::uint64_t pair_of(TokenId left, TokenId right) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32U | static_cast<std::uint32_t>(right);
}

}  // namespace

std::string ByteBpe::bytes_of(std::string_view spelling) {
    std::string bytes;
    for (std::size_t at = 0; at < spelling.size();) {
        const Character character = first_character(spelling.substr(at, 4));
        const bool known = character.code_point < kBytes.size() && kBytes[character.code_point] >= 0;
        if (known) {
            bytes.push_back(static_cast<char>(kBytes[character.code_point]));
        } else {
            bytes += spelling.substr(at, character.length);  // not of the alphabet: as it is written
        }
        at += character.length;
    }
    return bytes;
}

Result<ByteBpe> ByteBpe::from(const gguf::Reader& file, const Vocabulary& vocabulary) {
    const auto name = file.require_string("tokenizer.ggml.pre");
    if (!name) return name.error();
    auto rule = PreTokenizer::named(*name);
    if (!rule) return rule.error();
    const auto merges = file.require_strings(kMerges);
    if (!merges) return merges.error();

    ByteBpe bpe(vocabulary);
    bpe.pre_tokenizer_ = std::move(*rule);
    for (std::size_t byte = 0; byte < 256; ++byte) {
        std::string letter;
        append_letter(letter, static_cast<char>(byte));
        bpe.byte_tokens_[byte] = vocabulary.find_text(letter);
    }
    if (auto done = bpe.read_merges(**merges); !done) return done.error();
    return bpe;
}

Result<void> ByteBpe::read_merges(const gguf::Array& merges) {
    if (merges.size() > kMaxMerges) {
        return Error{Errc::Corrupt, std::to_string(merges.size()) + " merges are more than any model has",
                     std::string(kMerges)};
    }
    merges_.resize(std::bit_ceil(std::max<std::size_t>(merges.size() * 3 / 2, 16)));
    std::uint32_t rank = 0;
    std::string problem;
    std::string joined;
    merges.for_each_string([&](std::string_view merge) {
        const std::size_t space = merge.find(' ', 1);
        if (space == std::string_view::npos) {
            if (problem.empty()) problem = "entry " + std::to_string(rank) + " is not two parts and a space";
            ++rank;
            return;
        }
        joined.assign(merge.substr(0, space)).append(merge.substr(space + 1));
        const TokenId left = vocabulary_->find_text(merge.substr(0, space));
        const TokenId right = vocabulary_->find_text(merge.substr(space + 1));
        const TokenId result = vocabulary_->find_text(joined);
        const bool usable = left != Vocabulary::kNone && right != Vocabulary::kNone && result != Vocabulary::kNone;
        if (usable && !insert(pair_of(left, right), rank, result)) problem = "pairs chosen to collide";
        ++rank;
    });
    if (!problem.empty()) return Error{Errc::Corrupt, std::move(problem), std::string(kMerges)};
    return {};
}

bool ByteBpe::insert(std::uint64_t pair, std::uint32_t rank, TokenId result) {
    const std::size_t mask = merges_.size() - 1;
    const std::uint64_t hash = mix(pair);
    for (std::size_t probe = 0; probe < kMaxProbes; ++probe) {
        Merge& slot = merges_[(hash + probe) & mask];
        if (slot.result == Vocabulary::kNone) {
            slot = {pair, rank, result};
            return true;
        }
        if (slot.pair == pair) return true;  // the first rank counts
    }
    return false;
}

const ByteBpe::Merge* ByteBpe::find(TokenId left, TokenId right) const {
    if (left == Vocabulary::kNone || right == Vocabulary::kNone) return nullptr;
    const std::size_t mask = merges_.size() - 1;
    const std::uint64_t pair = pair_of(left, right);
    const std::uint64_t hash = mix(pair);
    for (std::size_t probe = 0; probe < kMaxProbes; ++probe) {
        const Merge& slot = merges_[(hash + probe) & mask];
        if (slot.result == Vocabulary::kNone) return nullptr;
        if (slot.pair == pair) return &slot;
    }
    return nullptr;
}

void ByteBpe::encode(std::string_view text, std::vector<TokenId>& out) const {
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
    std::string letters;
    std::size_t begin = 0;
    for (const std::uint32_t end : pre_tokenizer_.split(text)) {
        const std::string_view piece = text.substr(begin, end - begin);
        begin = end;
        if (pre_tokenizer_.whole_pieces_first() && piece.size() <= vocabulary_->longest()) {
            letters.clear();
            for (const char byte : piece) append_letter(letters, byte);
            if (const TokenId whole = vocabulary_->find_text(letters); whole != Vocabulary::kNone) {
                out.push_back(whole);
                continue;
            }
        }
        encode_piece(piece, symbols, heap, out);
    }
}

// The heap holds every pair that could merge, also those that are gone: they are recognised when they come up.
void ByteBpe::encode_piece(std::string_view piece, std::vector<Symbol>& symbols, std::vector<Candidate>& heap,
                           std::vector<TokenId>& out) const {
    symbols.clear();
    heap.clear();
    const auto count = static_cast<std::int32_t>(piece.size());
    for (std::int32_t i = 0; i < count; ++i) {
        const auto byte = static_cast<unsigned char>(piece[static_cast<std::size_t>(i)]);
        symbols.push_back({byte_tokens_[byte], i - 1, i + 1 < count ? i + 1 : -1});
    }
    const auto at = [&](std::int32_t i) -> Symbol& { return symbols[static_cast<std::size_t>(i)]; };
    const auto later = [](const Candidate& a, const Candidate& b) {
        return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
    };
    const auto candidate = [&](std::int32_t left) {
        const std::int32_t right = at(left).after;
        if (right < 0) return false;
        const Merge* merge = find(at(left).token, at(right).token);
        if (merge == nullptr) return false;
        heap.push_back({merge->rank, left, at(left).token, at(right).token, merge->result});
        return true;
    };
    for (std::int32_t i = 0; i + 1 < count; ++i) candidate(i);
    std::make_heap(heap.begin(), heap.end(), later);

    while (!heap.empty()) {
        std::pop_heap(heap.begin(), heap.end(), later);
        const Candidate best = heap.back();
        heap.pop_back();
        Symbol& left = at(best.left);
        if (left.token != best.first || left.after < 0 || at(left.after).token != best.second) continue;
        Symbol& right = at(left.after);
        left.token = best.result;
        right.token = Vocabulary::kNone;
        left.after = right.after;
        if (left.after >= 0) at(left.after).before = best.left;
        if (candidate(best.left)) std::push_heap(heap.begin(), heap.end(), later);
        if (left.before >= 0 && candidate(left.before)) std::push_heap(heap.begin(), heap.end(), later);
    }
    for (std::int32_t i = count > 0 ? 0 : -1; i >= 0; i = at(i).after) {
        if (at(i).token != Vocabulary::kNone) out.push_back(at(i).token);  // a byte the vocabulary lacks is lost
    }
}

}  // namespace sluice::local_engine
