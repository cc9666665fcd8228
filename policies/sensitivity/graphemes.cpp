#include "policies/sensitivity/graphemes.hpp"

#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include <climits>
#include <memory>
#include <stdexcept>

namespace sluice::policies {

namespace {

struct CloseIterator {
    void operator()(UBreakIterator* iterator) const { ubrk_close(iterator); }
};

UBreakIterator* iterator() {
    // One per thread: opening one reads ICU's rules, using one changes it.
    thread_local std::unique_ptr<UBreakIterator, CloseIterator> kept;
    if (!kept) {
        UErrorCode status = U_ZERO_ERROR;
        kept.reset(ubrk_open(UBRK_CHARACTER, "", nullptr, 0, &status));
        if (U_FAILURE(status)) throw std::runtime_error("ICU has no rules for grapheme clusters");
    }
    return kept.get();
}

// Between two ASCII characters there is always a border, except inside CR LF.
bool is_plain_border(std::string_view text, std::size_t at) {
    if (at == 0 || at >= text.size()) return true;
    const auto before = static_cast<unsigned char>(text[at - 1]);
    const auto behind = static_cast<unsigned char>(text[at]);
    return before < 0x80 && behind < 0x80 && !(before == '\r' && behind == '\n');
}

class CloseText {
public:
    explicit CloseText(std::string_view text) {
        UErrorCode status = U_ZERO_ERROR;
        utext_openUTF8(&text_, text.data(), static_cast<std::int64_t>(text.size()), &status);
        ubrk_setUText(iterator(), &text_, &status);
        if (U_FAILURE(status)) throw std::runtime_error("ICU cannot read a text");
    }
    CloseText(const CloseText&) = delete;
    CloseText& operator=(const CloseText&) = delete;
    ~CloseText() { utext_close(&text_); }

private:
    UText text_ = UTEXT_INITIALIZER;
};

}  // namespace

ByteRange whole_graphemes(std::string_view text, ByteRange range) {
    if (text.size() > INT32_MAX || (is_plain_border(text, range.begin) && is_plain_border(text, range.end)))
        return range;
    const CloseText opened{text};
    auto* const borders = iterator();
    const auto begin = static_cast<std::int32_t>(range.begin);
    const auto end = static_cast<std::int32_t>(range.end);
    if (!is_plain_border(text, range.begin) && ubrk_isBoundary(borders, begin) == 0)
        range.begin = static_cast<std::size_t>(ubrk_preceding(borders, begin));
    if (!is_plain_border(text, range.end) && ubrk_isBoundary(borders, end) == 0) {
        const auto next = ubrk_following(borders, end);
        range.end = next == UBRK_DONE ? text.size() : static_cast<std::size_t>(next);
    }
    return range;
}

}  // namespace sluice::policies
