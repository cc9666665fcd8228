// Many phrases looked for at once where words begin: labels of numbers, cues, markings. One look at the first four
// letters turns most words away. Phrases and text are compared without case, accents or the kind of separator:
// "Cédula de identidad" is found in "CEDULA_DE_IDENTIDAD". Immutable after construction, thread-safe.
#pragma once

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
        const std::uint32_t key = key_at(text, at);
        const std::uint32_t slot = slot_of(key);
        return (known_[slot >> 6U] >> (slot & 63U) & 1U) != 0;
    }
    // Calls found(label, end) for every phrase that begins at `at`.
    template <class Found>
    void look(std::string_view text, std::size_t at, const Found& found) const {
        const std::uint32_t key = key_at(text, at);
        const std::uint32_t bucket = slot_of(key) >> kBucketShift;
        const unsigned fifth = fifth_at(text, at);
        for (std::uint32_t i = first_[bucket]; i < first_[bucket + 1]; ++i) {
            const Entry& entry = entries_[i];
            if (entry.key != key) continue;
            // One letter more settles most of what four letters leave open.
            if (entry.fifth != 0 && fifth != 0 && fifth != entry.fifth) continue;
            if (const std::size_t end = match(entry, text, at)) found(entry.label, end);
        }
    }

private:
    static constexpr unsigned kSlotBits = 16;
    static constexpr unsigned kBucketShift = 4;

    struct Entry {
        std::uint32_t key;
        Label label;
        bool open;            // may go on inside its word
        unsigned char fifth;  // the letter behind the key, where both are ASCII; otherwise 0
        std::string text;
    };

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
    // The fifth byte in lower case when the first five are ASCII, otherwise 0.
    static unsigned fifth_at(std::string_view text, std::size_t at) {
        if (at + 5 > text.size()) return 0;
        std::uint32_t bytes = 0;
        std::memcpy(&bytes, text.data() + at, 4);
        const auto fifth = static_cast<unsigned char>(text[at + 4]);
        return (bytes & 0x80808080U) != 0 || fifth >= 0x80 ? 0U : fifth | 0x20U;
    }
    static std::uint32_t slow_key(std::string_view text, std::size_t at);
    static std::size_t match(const Entry& entry, std::string_view text, std::size_t at);

    std::vector<Entry> entries_;  // by slot of their key
    std::vector<std::uint32_t> first_;
    std::vector<std::uint64_t> known_;
};

}  // namespace sluice::policies::detail
