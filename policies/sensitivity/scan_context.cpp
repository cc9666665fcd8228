// What a scan knows about the words around a place.
#include "policies/sensitivity/scan.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::policies::detail {

Scan::Scan(std::string_view text_, std::string_view key, std::vector<Hit>& hits) : text(text_), phrases(label_phrases()), hits_(hits) {
    last_.fill(kNever);
    // "card_number", "cardNumber", "SSN": words of a name begin behind separators and at a capital behind a small letter.
    for (std::size_t i = 0; i < key.size(); ++i) {
        const bool begins = is_alpha(key[i]) ? i == 0 || !is_alpha(key[i - 1]) || (is_upper(key[i]) && is_lower(key[i - 1]))
                                             : static_cast<unsigned char>(key[i]) >= 0xc0;
        if (!begins) continue;
        std::size_t end = i;
        while (end < key.size() && is_alpha(key[end]) && !(end > i && is_upper(key[end]) && is_lower(key[end - 1]))) ++end;
        // In names a call is a function's: tool_call_id. And a word ends where a capital begins the next one.
        const auto word = key.substr(i, end - i);
        if (equal_folded(word, "call") || equal_folded(word, "to") || equal_folded(word, "from")) continue;
        const auto note = [&](Label label, std::size_t) {
            in_key_[label] = true;
            key_names_ids_ = key_names_ids_ || label >= kFirstRule;
            names_aws_ = names_aws_ || is_of_aws(label);
        };
        label_phrases().look(key, i, note);
        if (end < key.size() && end > i) label_phrases().look(word, 0, note);
    }
}

void Scan::look_at(std::size_t position) const {
    std::array<char, 64> padded;
    const char* bytes = padded.data();
    if (position + padded.size() <= text.size()) bytes = text.data() + position;
    else {
        padded.fill('\0');
        if (position < text.size()) std::memcpy(padded.data(), text.data() + position, text.size() - position);
    }
    const ByteMasks masks = masks_of_(bytes);
    window_ = {masks.word, masks.digit};
    window_at_ = position;
}

namespace {

// False when none of the 24 bytes at `at` begins a word: ASCII letters and all that is not ASCII.
bool may_hold_words(std::string_view text, std::size_t at) {
    if (at + 24 > text.size()) return true;
    std::uint64_t any = 0;
    for (std::size_t part = 0; part < 24; part += 8) {
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, text.data() + at + part, 8);
        any |= bytes;
    }
    return (any & 0xc0c0c0c0c0c0c0c0U) != 0;  // neither is below 0x40
}

}  // namespace

void Scan::look_behind(std::size_t end) const {
    after_end_ = end;
    if (after_any_) after_.fill(0);
    after_any_ = after_names_ids_ = false;
    if (!may_hold_words(text, end)) return;
    const std::size_t stop = std::min(text.size(), end + 24);
    bool inside = true;
    for (std::size_t i = end; i < stop && text[i] != '\n'; ++i) {
        const bool letter = is_alpha(text[i]);
        if ((letter && !inside) || static_cast<unsigned char>(text[i]) >= 0xc0) {
            if (phrases.may_begin(text, i))
                phrases.look(text, i, recent, [&](Label label, std::size_t) {
                    after_any_ = true;
                    after_[label / 64] |= std::uint64_t{1} << (label % 64);
                    after_names_ids_ = after_names_ids_ || label >= kFirstRule;
                });
        }
        inside = is_alnum(text[i]);
    }
}

bool Scan::near_after(Label label, std::size_t end) const {
    if (after_end_ != end) look_behind(end);
    return (after_[label / 64] >> (label % 64) & 1U) != 0;
}

bool Scan::heads_any() {
    constexpr std::size_t kMostLine = 512;
    if (heads_.empty()) {
        // Once per text: the labels of the first line that looks like the head of a table, with their columns.
        heads_.push_back({kNoLabel, 0});
        std::size_t begin = 0;
        for (int line = 0; line < 6 && begin < text.size(); ++line) {
            const std::size_t end = std::min(text.find('\n', begin), text.size());
            const auto head = text.substr(begin, end - begin);
            begin = end + 1;
            for (const char mark : {'|', '\t', ';', ','}) {
                if (head.size() > kMostLine || std::ranges::count(head, mark) < 1) continue;
                read_head(head, mark, begin);
                break;
            }
            if (heads_.size() > 1) break;
        }
    }
    return heads_.size() > 1;
}

bool Scan::heads_column(Label label, std::size_t position) {
    constexpr std::size_t kMostLine = 512;
    if (!heads_any() || position < heads_begin_ || position - line_ > kMostLine || line_ < heads_begin_) return false;
    if (column_position_ != position) {  // asked for many labels at one place
        column_position_ = position;
        column_ = static_cast<std::uint16_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(line_), text.begin() + static_cast<std::ptrdiff_t>(position), heads_mark_));
    }
    return std::ranges::find(heads_, std::pair{label, column_}) != heads_.end();
}

void Scan::read_head(std::string_view head, char mark, std::size_t next_line) {
    constexpr std::size_t kMostHeads = 64;
    std::uint16_t column = 0;
    bool inside = false;
    for (std::size_t i = 0; i < head.size(); ++i) {
        if (head[i] == mark) ++column;
        const bool begins = (is_alpha(head[i]) && !inside) || static_cast<unsigned char>(head[i]) >= 0xc0;
        if (begins && label_phrases().may_begin(head, i))
            label_phrases().look(head, i, [&](Label label, std::size_t) {
                if (heads_.size() < kMostHeads) heads_.emplace_back(label, column);
            });
        inside = is_alnum(head[i]);
    }
    if (heads_.size() < 2) return;
    heads_mark_ = mark;
    heads_begin_ = next_line;
}

std::size_t Scan::add(std::string_view type, std::size_t begin, std::size_t end, double score, std::string_view detector) {
    hits_.push_back({type, begin, end, score, detector});
    return end;
}

bool Scan::near_secret_word(std::size_t position) const {
    return near(Context::AwsSecret, position, 24);
}

bool Scan::may_read_value(std::size_t at) {
    constexpr int kMostInside = 4;
    if (at >= rejected_end_) read_inside_rejected_ = 0;
    return ++read_inside_rejected_ <= kMostInside;
}

}  // namespace sluice::policies::detail
