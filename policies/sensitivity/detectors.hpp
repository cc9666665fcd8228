// What makes a piece of text sensitive: hand-written scanners over bytes, one pass, no backtracking, each look-around
// bounded, so that time is linear whatever the text. Thresholds and validators follow docs/sensitivity.md. Pure
// functions.
#pragma once

#include "core/data_class.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice::policies {

// A finding inside one text; `type` and `detector` are literals.
struct Hit {
    std::string_view type;  // "CREDIT_CARD"
    std::size_t begin = 0;  // bytes
    std::size_t end = 0;
    double score = 0;  // 0.5 and above counts
    std::string_view detector;
};

// All built-in detectors over one text; hits are appended in order of their ends and may overlap.
void scan_text(std::string_view text, std::vector<Hit>& hits);

// What a finding of this type makes of a request, unless the configuration says otherwise. Unknown types: restricted.
core::DataClass default_class(std::string_view type);

// The scanners, each called at the byte that may start (or, for '@', be inside) a finding. They return the end of what
// they found, or `at` when there is nothing.
namespace detail {

struct Scan {
    std::string_view text;
    std::vector<Hit>& hits;

    std::size_t add(std::string_view type, std::size_t begin, std::size_t end, double score,
                    std::string_view detector) const {
        hits.push_back({type, begin, end, score, detector});
        return end;
    }
    char at(std::size_t i) const { return i < text.size() ? text[i] : '\0'; }
    // A word of `words` (space separated, lower case) within `reach` bytes before `position`, on the same line.
    bool preceded_by(std::size_t position, std::string_view words, std::size_t reach = 40) const;
};

std::size_t scan_digits(const Scan& scan, std::size_t at);  // cards, social security numbers, phones
std::size_t scan_plus(const Scan& scan, std::size_t at);    // +49 ... phones
std::size_t scan_iban(const Scan& scan, std::size_t at);
std::size_t scan_email(const Scan& scan, std::size_t at);         // at the '@'
std::size_t scan_token(const Scan& scan, std::size_t at);         // vendor prefixes, JWT
std::size_t scan_private_key(const Scan& scan, std::size_t at);   // at "-----BEGIN"
std::size_t scan_url_password(const Scan& scan, std::size_t at);  // at "://"
std::size_t scan_assignment(const Scan& scan, std::size_t at);    // at '=' or ':' behind password, secret, api_key, ...

bool luhn(std::string_view digits);
bool is_card(std::string_view digits);  // issuer range, length and Luhn

inline bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
inline bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
inline bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
inline bool is_alpha(char c) {
    return is_upper(c) || is_lower(c);
}
inline bool is_alnum(char c) {
    return is_alpha(c) || is_digit(c);
}
inline char to_lower(char c) {
    return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace detail

}  // namespace sluice::policies
