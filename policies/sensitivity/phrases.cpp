#include "policies/sensitivity/phrases.hpp"

#include "policies/sensitivity/bytes.hpp"

#include <algorithm>
#include <array>

namespace sluice::policies::detail {

namespace {

// Base letters of U+00C0 to U+017F; a space where there is none.
constexpr std::string_view kBase =
    "aaaaaaaceeeeiiiidnooooo ouuuuytsaaaaaaaceeeeiiiidnooooo ouuuuyty"   // 00c0
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"   // 0100
    "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";  // 0140
static_assert(kBase.size() == 192);

struct Step {
    std::array<char, 3> out{};
    std::uint8_t size = 0;      // bytes of `out`
    std::uint8_t consumed = 1;  // bytes of the text
};

Step two(unsigned code) {
    return {{static_cast<char>(0xc0U | (code >> 6U)), static_cast<char>(0x80U | (code & 0x3fU))}, 2, 2};
}

unsigned fold_greek(unsigned code) {
    constexpr std::array<std::pair<unsigned, unsigned>, 15> kAccents{
        {{0x386, 0x3b1}, {0x3ac, 0x3b1}, {0x388, 0x3b5}, {0x3ad, 0x3b5}, {0x389, 0x3b7},
         {0x3ae, 0x3b7}, {0x38a, 0x3b9}, {0x3af, 0x3b9}, {0x38c, 0x3bf}, {0x3cc, 0x3bf},
         {0x38e, 0x3c5}, {0x3cd, 0x3c5}, {0x38f, 0x3c9}, {0x3ce, 0x3c9}, {0x3c2, 0x3c3}}};
    for (const auto& [from, to] : kAccents)
        if (code == from) return to;
    return code >= 0x391 && code <= 0x3a9 ? code + 0x20 : code;
}

// One folded character of the text.
Step fold_step(std::string_view text, std::size_t at) {
    const auto first = static_cast<unsigned char>(text[at]);
    if (first < 0x80) return {{to_lower(text[at])}, 1, 1};
    const auto second = at + 1 < text.size() ? static_cast<unsigned char>(text[at + 1]) : 0U;
    if (first < 0xc3 || first > 0xd1 || (second & 0xc0U) != 0x80U) return {{text[at]}, 1, 1};
    const unsigned code = ((first & 0x1fU) << 6U) | (second & 0x3fU);
    if (code == 0xdf) return {{'s', 's'}, 2, 2};
    if (code < 0x180) return kBase[code - 0xc0] == ' ' ? two(code) : Step{{kBase[code - 0xc0]}, 1, 2};
    if (code >= 0x386 && code <= 0x3ce) return two(fold_greek(code));
    if (code >= 0x410 && code <= 0x42f) return two(code + 0x20);
    if (code >= 0x400 && code <= 0x40f) return two(code + 0x50);
    return two(code);
}

template <class Separates>
std::size_t skip_separators(std::string_view text, std::size_t at, const Separates& separates) {
    std::size_t end = at;
    while (end < text.size() && end < at + 3) {  // kMostSeparators
        if (separates(text[end])) ++end;
        else if (text.substr(end).starts_with("\xc2\xa0") || text.substr(end).starts_with("\xc2\xb0")) end += 2;
        else if (text.substr(end).starts_with("\xe2\x80\x99")) end += 3;
        else break;
    }
    return end;
}

bool continues_word(std::string_view text, std::size_t at) {
    if (at >= text.size()) return false;
    const auto c = static_cast<unsigned char>(text[at]);
    return is_alpha(text[at]) || (c >= 0xc3 && c <= 0xd4);  // Latin, Greek, Cyrillic, Armenian
}

}  // namespace

std::string fold_phrase(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        const Step step = fold_step(text, i);
        out.append(step.out.data(), step.size);
        i += step.consumed;
    }
    return out;
}

void Phrases::add(Label label, std::string_view list) {
    while (!list.empty()) {
        const std::size_t end = std::min(list.find(';'), list.size());
        auto phrase = list.substr(0, end);
        list.remove_prefix(std::min(end + 1, list.size()));
        const bool open = phrase.ends_with('*');
        if (open) phrase.remove_suffix(1);
        if (phrase.empty()) continue;
        const std::uint32_t key = slow_key(phrase, 0);
        auto folded = fold_phrase(phrase);
        Entry entry{.key = key, .label = label, .open = open, .separator = 8, .end = 8, .loose = false, .next = '\0', .head = 0, .first = 0, .second = 0, .text = std::move(folded)};
        note_head(entry);
        entries_.push_back(std::move(entry));
    }
}

void Phrases::note_head(Entry& entry) {
    const std::string_view text = entry.text;
    const auto byte = [](char c, std::size_t i) { return static_cast<std::uint64_t>(static_cast<unsigned char>(c)) << (8 * i); };
    const auto note = [&](std::size_t from, std::uint64_t& which) {
        std::size_t i = from;
        for (; i < 8 && i < text.size() && is_alnum(text[i]); ++i) {
            entry.head |= byte(text[i], i);
            which |= byte('\xff', i);
        }
        return i;
    };
    const std::size_t stop = note(0, entry.first);
    if (stop >= 8) return;
    if (stop == text.size()) {
        if (!entry.open) entry.end = static_cast<std::uint8_t>(stop);
        return;
    }
    const auto is_gap = [&](std::size_t i) { return i < text.size() && separates(text[i]) && text[i] != '/'; };
    if (!is_gap(stop)) return;
    entry.separator = static_cast<std::uint8_t>(stop);
    if (text[stop] == '.' || is_gap(stop + 1)) {
        entry.loose = true;  // '.' may be left out
        std::size_t next = stop;
        while (is_gap(next)) ++next;
        if (next < text.size() && is_alnum(text[next])) entry.next = text[next];
        return;
    }
    (void)note(stop + 1, entry.second);
}

void Phrases::close() {
    std::ranges::stable_sort(entries_, {}, [](const Entry& entry) { return slot_of(entry.key); });
    known_.assign((std::size_t{1} << kSlotBits) / 64, 0);
    first_.assign((std::size_t{1} << (kSlotBits - kBucketShift)) + 1, 0);
    heads_.clear();
    for (const Entry& entry : entries_) {
        const std::uint32_t slot = slot_of(entry.key);
        known_[slot >> 6U] |= std::uint64_t{1} << (slot & 63U);
        ++first_[(slot >> kBucketShift) + 1];
        heads_.push_back({entry.head, entry.first, entry.second});
        if (entry.text.size() > 1 && static_cast<unsigned char>(entry.text[0]) >= 0xe0) wide_.set(wide_slot(entry.text[0], entry.text[1]));
    }
    for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
}

std::uint32_t Phrases::slow_key(std::string_view text, std::size_t at) {
    std::uint32_t key = 0;
    unsigned size = 0;
    while (size < 4 && at < text.size()) {
        const Step step = fold_step(text, at);
        for (unsigned i = 0; i < step.size && size < 4; ++i, ++size) {
            const auto byte = static_cast<unsigned char>(step.out[i]);
            if (byte < 0x80 && !is_lower(step.out[i])) return key;
            key |= static_cast<std::uint32_t>(byte) << (8 * size);
        }
        at += step.consumed;
    }
    return key;
}

std::size_t Phrases::match(const Entry& entry, std::string_view text, std::size_t at) {
    const std::string_view phrase = entry.text;
    // The key has compared the first letters; most phrases that are not there differ soon behind them.
    for (std::size_t i = 0; i < phrase.size();) {
        if (at >= text.size()) return 0;
        if (static_cast<unsigned char>(text[at]) < 0x80 && (is_alnum(phrase[i]) || static_cast<unsigned char>(phrase[i]) >= 0x80)) {
            if (to_lower(text[at]) != phrase[i]) return 0;
            ++i;
            ++at;
            continue;
        }
        if (separates(phrase[i]) && phrase[i] != '/') {
            const std::size_t next = skip_separators(text, at, separates);
            if (next == at && phrase[i] != '.') return 0;
            at = next;
            while (i < phrase.size() && separates(phrase[i]) && phrase[i] != '/') ++i;
            continue;
        }
        const Step step = fold_step(text, at);
        if (phrase.compare(i, step.size, step.out.data(), step.size) != 0) return 0;
        i += step.size;
        at += step.consumed;
    }
    return !entry.open && continues_word(text, at) ? 0 : at;
}

}  // namespace sluice::policies::detail
