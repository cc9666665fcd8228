#include <algorithm>
#include <array>
#include <string>

#include "policies/sensitivity/detectors.hpp"

namespace sluice::policies {

namespace detail {

bool Scan::preceded_by(std::size_t position, std::string_view words, std::size_t reach) const {
    const std::size_t from = position > reach ? position - reach : 0;
    std::string window;
    for (std::size_t i = from; i < position; ++i) {
        if (text[i] == '\n') window.clear();
        else window += to_lower(text[i]);
    }
    while (!words.empty()) {
        const auto space = std::min(words.find(' '), words.size());
        const auto word = words.substr(0, space);
        words.remove_prefix(std::min(space + 1, words.size()));
        for (auto found = window.find(word); found != std::string::npos; found = window.find(word, found + 1)) {
            const bool starts = found == 0 || !is_alnum(window[found - 1]);
            const std::size_t after = found + word.size();
            if (starts && (after >= window.size() || !is_alpha(window[after]))) return true;
        }
    }
    return false;
}

}  // namespace detail

namespace {

enum class Start : std::uint8_t { Nothing, Digit, Letter, Plus, At, Dash, Colon, Equals };

// What each byte may start. Parentheses open phone numbers, so they count as digits.
constexpr std::array<Start, 256> kStarts = [] {
    std::array<Start, 256> table{};
    for (unsigned c = '0'; c <= '9'; ++c) table[c] = Start::Digit;
    for (unsigned c = 'a'; c <= 'z'; ++c) table[c] = Start::Letter;
    for (unsigned c = 'A'; c <= 'Z'; ++c) table[c] = Start::Letter;
    table['('] = Start::Digit;
    table['+'] = Start::Plus;
    table['@'] = Start::At;
    table['-'] = Start::Dash;
    table[':'] = Start::Colon;
    table['='] = Start::Equals;
    return table;
}();

std::size_t scan_at(const detail::Scan& scan, std::size_t at, Start start) {
    using namespace detail;
    const bool word_start = at == 0 || !is_alnum(scan.text[at - 1]);
    switch (start) {
        case Start::Nothing: return at;
        case Start::Digit: return word_start ? scan_digits(scan, at) : at;
        case Start::Letter: {
            if (!word_start) return at;
            const auto end = scan_token(scan, at);
            return end != at ? end : scan_iban(scan, at);
        }
        case Start::Plus: return scan_plus(scan, at);
        case Start::At: return scan_email(scan, at);
        case Start::Dash: return scan_private_key(scan, at);
        case Start::Colon: {
            const auto end = scan_url_password(scan, at);
            return end != at ? end : scan_assignment(scan, at);
        }
        case Start::Equals: return scan_assignment(scan, at);
    }
    return at;
}

}  // namespace

void scan_text(std::string_view text, std::vector<Hit>& hits) {
    const detail::Scan scan{text, hits};
    for (std::size_t i = 0; i < text.size();) {
        const Start start = kStarts[static_cast<unsigned char>(text[i])];
        if (start == Start::Nothing) {
            ++i;
            continue;
        }
        i = std::max(scan_at(scan, i, start), i + 1);
    }
}

core::DataClass default_class(std::string_view type) {
    if (type == "EMAIL" || type == "PHONE") return core::DataClass::Confidential;
    return core::DataClass::Restricted;
}

}  // namespace sluice::policies
