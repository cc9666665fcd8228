// Many phrases looked for at once where words begin: labels of numbers, cues, markings. One look at the first four
// letters turns most words away. Phrases and text are compared without case, accents or the kind of separator:
// "Cédula de identidad" is found in "CEDULA_DE_IDENTIDAD". Immutable after construction, thread-safe.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policies::detail {

// Lower case, Latin letters without their accents; Greek and Cyrillic in lower case; everything else as it is.
std::string fold_phrase(std::string_view text);

class Phrases {
public:
    using Label = std::uint16_t;

    // Phrases of a list are separated by ';'. One that ends in '*' may go on inside its word ("steuer*").
    void add(Label label, std::string_view list);
    void close();  // after the last add(), before the first look

    // True when a phrase may begin at `at`: cheap, wrong for a few in a hundred words.
    bool may_begin(std::string_view text, std::size_t at) const {
        return (static_cast<unsigned char>(text[at]) < 0xe0 || may_begin_wide(text, at)) && may_begin(key_at(text, at));
    }
    // The same for a word of whose first four bytes `key` has the letters, in lower case, with zeros behind a shorter one.
    bool may_begin(std::uint32_t key) const {
        const std::uint32_t slot = slot_of(key);
        return (known_[slot >> 6U] >> (slot & 63U) & 1U) != 0;
    }
    // Which phrases eight bytes left over when they were looked at lately: texts say the same words over and over, and some say
    // nothing else. Belongs to one scan.
    class Recent {
    public:
        Recent() { slots_.fill(Slot{}); }

    private:
        friend class Phrases;
        struct Slot {
            std::uint64_t bytes = ~std::uint64_t{0};  // never those of ASCII
            std::uint32_t count = 0;
            std::array<std::uint32_t, 5> entries{};
        };
        Slot& slot_of(std::uint64_t bytes) { return slots_[bytes * 0x9e3779b97f4a7c15U >> 60U]; }
        std::array<Slot, 16> slots_;
    };

    // Calls found(label, end) for every phrase that begins at `at`.
    template <class Found>
    void look(std::string_view text, std::size_t at, const Found& found) const {
        const Eight eight = eight_at(text, at);
        for_each_candidate(key_at(text, at), eight, [&](std::uint32_t i) { settle(i, eight, text, at, found); });
    }
    template <class Found>
    void look(std::string_view text, std::size_t at, Recent& recent, const Found& found) const {
        const Eight eight = eight_at(text, at);
        if (!eight.ascii) return look(text, at, found);
        Recent::Slot& slot = recent.slot_of(eight.bytes);
        if (slot.bytes != eight.bytes) {
            slot.count = 0;
            for_each_candidate(key_at(text, at), eight, [&](std::uint32_t i) {
                if (slot.count < slot.entries.size()) slot.entries[slot.count] = i;
                ++slot.count;
            });
            if (slot.count > slot.entries.size()) {  // too many to keep
                slot.bytes = ~std::uint64_t{0};
                return look(text, at, found);
            }
            slot.bytes = eight.bytes;
        }
        const Recent::Slot kept = slot;  // what is found may look as well
        for (std::uint32_t n = 0; n < kept.count; ++n) settle(kept.entries[n], eight, text, at, found);
    }

private:
    static constexpr unsigned kSlotBits = 16;
    static constexpr unsigned kBucketShift = 4;
    static constexpr unsigned kMostSeparators = 3;  // bytes of them between two words of a phrase

    struct Entry {
        std::uint32_t key;
        Label label;
        bool open;  // may go on inside its word
        // Of the first eight bytes: where the first word ends in ASCII, by a separator or with the phrase; 8: not among them.
        std::uint8_t separator;
        std::uint8_t end;
        bool loose;  // other separators than one, or none, may stand there as well
        char next;   // the letter or digit behind them, if known
        std::uint64_t head;    // letters and digits
        std::uint64_t first;   // which of them are the first word's
        std::uint64_t second;  // and which stand behind a separator
        std::string text;
    };

    // An entry's first eight bytes again: most entries of a bucket are turned away by them, one behind the other.
    struct Head {
        std::uint64_t bytes;
        std::uint64_t first;
        std::uint64_t second;  // zero where more than one separator changes nothing
    };

    // The first eight bytes of a text, as they are and in lower case.
    struct Eight {
        bool ascii = false;  // there are eight, all of them ASCII
        std::uint64_t bytes = 0;
        char at(unsigned i) const { return static_cast<char>(bytes >> (8 * i) & 0x7fU); }
    };
    static Eight eight_at(std::string_view text, std::size_t at) {
        Eight out;
        if (at + 8 > text.size()) return out;
        std::memcpy(&out.bytes, text.data() + at, 8);
        out.ascii = (out.bytes & 0x8080808080808080U) == 0;
        return out;
    }
    static bool separates(char c) { return c == ' ' || c == '_' || c == '-' || c == '.' || c == '\'' || c == '/' || c == '\t' || c == ':'; }
    // True when of the eight two that are no letters stand side by side: behind two separators nothing is where entries have it.
    static bool apart_twice(std::uint64_t lower) {
        const std::uint64_t others = ~((lower + 0x1f1f1f1f1f1f1f1fU) & ~(lower + 0x0505050505050505U)) & 0x8080808080808080U;
        return (others & others >> 8U) != 0;
    }
    // True when the eight bytes show that match() would find nothing: most phrases of a word are settled by that.
    static bool differs(const Entry& entry, const Eight& eight) {
        const std::uint64_t other = (eight.bytes | 0x2020202020202020U) ^ entry.head;
        if ((other & entry.first) != 0) return true;
        if (entry.end < 8) return is_letter(eight.at(entry.end));
        if (entry.separator >= 8) return false;
        if (entry.loose) {
            unsigned next = entry.separator;
            while (next < 8 && next < entry.separator + kMostSeparators && separates(eight.at(next))) ++next;
            return next < 8 && entry.next != '\0' && (eight.at(next) | 0x20) != entry.next;
        }
        if (!separates(eight.at(entry.separator))) return true;
        // One separator, and what stands behind it.
        return entry.separator < 7 && (other & entry.second) != 0 && !separates(eight.at(entry.separator + 1U));
    }
    static bool is_letter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
    static void note_head(Entry& entry);
    // By the first two bytes of characters of three bytes or more, which are compared as they are.
    static std::size_t wide_slot(char first, char second) { return (static_cast<unsigned char>(first) & 0x1fU) << 6U | (static_cast<unsigned char>(second) & 0x3fU); }
    bool may_begin_wide(std::string_view text, std::size_t at) const {
        return at + 1 < text.size() && wide_[wide_slot(text[at], text[at + 1])];
    }

    static std::uint32_t slot_of(std::uint32_t key) { return (key * 0x9e3779b1U) >> (32 - kSlotBits); }
    // The first four folded bytes of the first word, zeros behind a shorter one.
    static std::uint32_t key_at(std::string_view text, std::size_t at) {
        if (at + 4 > text.size()) return slow_key(text, at);
        std::uint32_t bytes = 0;
        std::memcpy(&bytes, text.data() + at, 4);
        if ((bytes & 0x80808080U) != 0) return slow_key(text, at);
        bytes |= 0x20202020U;
        const std::uint32_t others = ~((bytes + 0x1f1f1f1fU) & ~(bytes + 0x05050505U)) & 0x80808080U;
        return others == 0 ? bytes : bytes & ((others & (0U - others)) / 0x80U - 1U);
    }
    static std::uint32_t slow_key(std::string_view text, std::size_t at);
    // Entries that the key and the eight bytes do not rule out.
    template <class Candidate>
    void for_each_candidate(std::uint32_t key, const Eight& eight, const Candidate& candidate) const {
        const std::uint32_t bucket = slot_of(key) >> kBucketShift;
        const std::uint64_t lower = eight.bytes | 0x2020202020202020U;
        const std::uint64_t compared = eight.ascii ? ~std::uint64_t{0} : 0;
        const std::uint64_t behind = eight.ascii && !apart_twice(lower) ? ~std::uint64_t{0} : 0;
        for (std::uint32_t i = first_[bucket]; i < first_[bucket + 1]; ++i) {
            const Head& head = heads_[i];
            if (((lower ^ head.bytes) & ((head.first & compared) | (head.second & behind))) != 0) continue;
            const Entry& entry = entries_[i];
            if (entry.key == key && !(eight.ascii && differs(entry, eight))) candidate(i);
        }
    }
    template <class Found>
    void settle(std::uint32_t i, const Eight& eight, std::string_view text, std::size_t at, const Found& found) const {
        const Entry& entry = entries_[i];
        // One short word is compared by now; what is longer or not ASCII is not.
        const std::size_t end = eight.ascii && entry.end < 8 ? at + entry.end : match(entry, text, at);
        if (end != 0) found(entry.label, end);
    }
    static std::size_t match(const Entry& entry, std::string_view text, std::size_t at);

    std::vector<Entry> entries_;  // by slot of their key
    std::vector<Head> heads_;     // of each
    std::vector<std::uint32_t> first_;
    std::vector<std::uint64_t> known_;
    std::bitset<2048> wide_;
};

}  // namespace sluice::policies::detail
