#include "policies/sensitivity/dictionary.hpp"

#include "policies/sensitivity/byte_masks.hpp"
#include "policies/sensitivity/bytes.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace sluice::policies {

namespace {

constexpr std::size_t kMostGap = 4;  // bytes between two words of a term
constexpr std::uint64_t kSeed = 0xcbf29ce484222325U;

// One letter or digit, case folded.
struct Letter {
    char32_t code = 0;     // 0: not part of a word
    std::size_t size = 1;  // bytes
    bool alone = false;    // a word by itself: scripts that write no spaces
};

char32_t fold_case(char32_t c) {
    const bool plain =
        (c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f);
    if (plain) return c + 32;
    if (c >= 0x400 && c <= 0x40f) return c + 80;
    const bool paired = (c >= 0x100 && c <= 0x137) || (c >= 0x14a && c <= 0x177) || (c >= 0x460 && c <= 0x481) ||
                        (c >= 0x48a && c <= 0x4bf);
    return paired ? c | 1U : c;
}

Letter letter_at(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) {
        return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
    };
    const unsigned first = byte(0);
    if (first < 0x80) {
        const char c = detail::to_lower(text[at]);
        return {detail::is_alnum(c) ? static_cast<unsigned char>(c) : 0U, 1, false};
    }
    if (first >= 0xc2 && first < 0xe0 && at + 1 < text.size()) {
        const char32_t code = ((first & 0x1fU) << 6U) | (byte(1) & 0x3fU);
        return {code < 0xc0 ? 0 : fold_case(code), 2, false};
    }
    if (first >= 0xe0 && first < 0xf0 && at + 2 < text.size()) {
        const char32_t code = ((first & 0x0fU) << 12U) | ((byte(1) & 0x3fU) << 6U) | (byte(2) & 0x3fU);
        const bool punctuation =
            (code >= 0x2000 && code < 0x2c00) || (code >= 0x3000 && code < 0x3040) || code >= 0xfe00;
        return {punctuation ? 0 : code, 3, code >= 0x2e80};
    }
    return {first, 1, false};  // rarer characters count byte by byte
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
    hash = (hash ^ value ^ (value >> 32U)) * 0x9e3779b97f4a7c15U;
    return hash ^ (hash >> 32U);
}

// Of a word of ASCII letters and digits, eight of them at a time; the bit that makes capitals small changes no digit.
std::uint64_t ascii_hash(std::string_view text, std::size_t begin, std::size_t end) {
    std::uint64_t hash = kSeed;
    for (std::size_t i = begin; i < end; i += 8) {
        const std::size_t left = std::min<std::size_t>(8, end - i);
        std::uint64_t bytes = 0;
        if (i + 8 <= text.size()) std::memcpy(&bytes, text.data() + i, 8);
        else std::memcpy(&bytes, text.data() + i, left);
        bytes |= 0x2020202020202020U;
        if (left < 8) bytes &= (std::uint64_t{1} << (8 * left)) - 1;
        hash = mix(hash, bytes);
    }
    return hash;
}

struct Word {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::uint64_t hash = kSeed;
};

// Folded ASCII letters and digits; 0 for other ASCII; kNotAscii for the rest.
constexpr std::uint8_t kNotAscii = 255;
constexpr std::array<std::uint8_t, 256> kAscii = [] {
    std::array<std::uint8_t, 256> table{};
    for (unsigned c = 0; c < 256; ++c) {
        const char lower = detail::to_lower(static_cast<char>(c));
        if (c >= 128) table[c] = kNotAscii;
        else if (detail::is_alnum(lower)) table[c] = static_cast<std::uint8_t>(lower);
    }
    return table;
}();

// One that begins at `at` and holds other characters than ASCII, at least so far as is known.
Word other_word(std::string_view text, std::size_t at) {
    Word word{at, at, kSeed};
    while (word.end < text.size()) {
        const bool inside = word.end > word.begin;
        const Letter letter = letter_at(text, word.end);
        if (letter.code == 0 || (letter.alone && inside)) {
            if (inside) return word;
            word.begin = word.end = word.end + letter.size;
            continue;
        }
        word.hash = mix(word.hash, letter.code);
        word.end += letter.size;
        if (letter.alone) return word;
    }
    return word;
}

// The next word at or after `at`; begin == end when there is none.
Word next_word(std::string_view text, std::size_t at) {
    while (at < text.size() && kAscii[static_cast<unsigned char>(text[at])] == 0) ++at;
    std::size_t end = at;
    while (end < text.size() && kAscii[static_cast<unsigned char>(text[end])] - 1U < kNotAscii - 1U) ++end;
    if (end == text.size() || kAscii[static_cast<unsigned char>(text[end])] == 0) return {at, end, ascii_hash(text, at, end)};
    const Word word = other_word(text, at);
    // A mark that is no letter stood in front of the word or behind it: then it was one of ASCII after all.
    for (std::size_t i = word.begin; i < word.end; ++i)
        if (static_cast<unsigned char>(text[i]) >= 0x80) return word;
    return {word.begin, word.end, ascii_hash(text, word.begin, word.end)};
}

// Of the first three bytes of a word, in any case: letters and digits of ASCII, its end, and all that is not ASCII. Asked
// only for words of ASCII: terms and texts agree on those byte by byte.
constexpr std::size_t kStartKinds = 38;
constexpr std::array<std::uint8_t, 256> kStartKind = [] {
    std::array<std::uint8_t, 256> table{};
    std::uint8_t next = 1;
    for (const char c : std::string_view{"0123456789abcdefghijklmnopqrstuvwxyz"}) {
        table[static_cast<unsigned char>(c)] = next;
        table[static_cast<unsigned char>(detail::to_upper(c))] = next++;
    }
    for (std::size_t c = 128; c < 256; ++c) table[c] = next;
    return table;
}();

std::size_t start_slot(std::string_view text, std::size_t at) {
    std::size_t slot = 0;
    bool ended = false;
    for (std::size_t i = at; i < at + 3; ++i) {
        const std::uint8_t kind = i < text.size() && !ended ? kStartKind[static_cast<unsigned char>(text[i])] : 0U;
        ended = kind == 0 || kind == kStartKinds - 1;  // behind it nothing is known
        slot = slot * kStartKinds + kind;
    }
    return slot;
}

void append(std::string& out, char32_t code) {
    for (int shift = 0; shift < 24; shift += 8)
        out += static_cast<char>((code >> static_cast<unsigned>(shift)) & 0xffU);
}

// Words in folded form, each closed by a zero, so that equal texts are equal terms.
std::string folded_words(std::string_view text) {
    std::string out;
    for (Word word = next_word(text, 0); word.end > word.begin; word = next_word(text, word.end)) {
        for (std::size_t i = word.begin; i < word.end;) {
            const Letter letter = letter_at(text, i);
            append(out, letter.code);
            i += letter.size;
        }
        append(out, 0);
    }
    return out;
}

}  // namespace

Dictionary::Dictionary(const std::vector<DictionaryTerm>& terms) {
    terms_.reserve(terms.size());
    starts_.resize(kStartKinds * kStartKinds * kStartKinds);
    may_begin_.resize(std::bit_ceil(std::max<std::size_t>(4096, terms.size() * 16)));
    for (const auto& [term, data_class] : terms) {
        if (term.size() > kMostTermBytes) continue;
        std::uint64_t first = 0;
        std::size_t start = 0;
        std::uint64_t hash = kSeed;
        std::size_t words = 0;
        for (Word word = next_word(term, 0); word.end > word.begin; word = next_word(term, word.end)) {
            if (words++ == 0) first = word.hash, start = start_slot(std::string_view{term}.substr(0, word.end), word.begin);
            hash = mix(hash, word.hash);
        }
        if (words == 0 || words > kMostTermWords) continue;
        starts_[start] = true;
        may_begin_[first & (may_begin_.size() - 1)] = true;
        may_begin_[hash & (may_begin_.size() - 1)] = true;  // whole terms as well: most of what is no term needs no look-up
        auto& longest = most_words_[first];
        longest = std::max(longest, static_cast<std::uint8_t>(words));
        auto& entries = terms_[hash];
        auto folded = folded_words(term);
        const auto known = std::ranges::find(entries, folded, &Entry::words);
        if (known != entries.end()) known->data_class = core::join(known->data_class, data_class);
        else entries.push_back({std::move(folded), data_class});
    }
}

const Dictionary::Entry* Dictionary::lookup(std::uint64_t hash, std::string_view text, std::size_t begin,
                                            std::size_t end) const {
    const auto found = terms_.find(hash);
    if (found == terms_.end()) return nullptr;
    const std::string words = folded_words(text.substr(begin, end - begin));
    const auto entry = std::ranges::find(found->second, words, &Entry::words);
    return entry == found->second.end() ? nullptr : &*entry;
}

bool Dictionary::may_start(std::string_view text, std::size_t at) const {
    return starts_[start_slot(text, at)];
}

std::size_t Dictionary::skip(std::string_view text, std::size_t at) const {
    std::size_t run = at;  // where the word that goes on over the border of two blocks began
    std::uint64_t carry = 0;
    std::array<char, 64> tail{};
    for (; at < text.size() && static_cast<unsigned char>(text[at]) < 0x80; at += 64) {
        const bool whole = text.size() - at >= 64;
        if (!whole) std::memcpy(tail.data(), text.data() + at, text.size() - at);
        const auto [word, other] = detail::word_masks_of(whole ? text.data() + at : tail.data());
        // Words of other characters are for the slow way: the place where the first of them begins.
        const std::uint64_t before = other == 0 ? ~std::uint64_t{0} : (other & (0U - other)) - 1;
        for (std::uint64_t starts = word & before & ~(word << 1U | carry); starts != 0; starts &= starts - 1) {
            run = at + static_cast<std::size_t>(std::countr_zero(starts));
            if (may_start(text, run)) return run;
        }
        if (other != 0) {
            const auto first = static_cast<unsigned>(std::countr_zero(other));
            const bool inside = first == 0 ? carry != 0 : (word >> (first - 1) & 1U) != 0;
            return inside ? run : at + first;
        }
        carry = word >> 63U;
    }
    return at < text.size() && carry != 0 ? run : std::min(at, text.size());
}

void Dictionary::find(std::string_view text, std::vector<Match>& matches) const {
    if (terms_.empty()) return;
    Word first;
    for (std::size_t at = skip(text, 0);; at = skip(text, first.end)) {
        first = next_word(text, at);
        if (first.end == first.begin) break;
        if (!may_begin_[first.hash & (may_begin_.size() - 1)]) continue;
        const auto begins = most_words_.find(first.hash);
        if (begins == most_words_.end()) continue;
        Match best;
        std::uint64_t hash = kSeed;
        Word word = first;
        for (std::size_t count = 1;; ++count) {
            hash = mix(hash, word.hash);
            const bool may_be = may_begin_[hash & (may_begin_.size() - 1)];
            if (const auto* entry = may_be ? lookup(hash, text, first.begin, word.end) : nullptr)
                best = {first.begin, word.end, entry->data_class};
            if (count == begins->second) break;
            const Word next =
                next_word(text.substr(0, std::min(text.size(), word.end + kMostGap + kMostTermBytes)), word.end);
            if (next.end == next.begin || next.begin - word.end > kMostGap) break;
            word = next;
        }
        if (best.end > best.begin) matches.push_back(best);
    }
}

}  // namespace sluice::policies
