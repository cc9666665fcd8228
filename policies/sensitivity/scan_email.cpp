// E-mail addresses: from the '@' to both sides.
#include "policies/sensitivity/scan.hpp"

#include <algorithm>

namespace sluice::policies::detail {

namespace {

constexpr std::size_t kMostLocal = 64;
constexpr std::size_t kMostDomain = 253;

bool is_local(char c) {
    return is_alnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-' || c == '\'' ||
           static_cast<unsigned char>(c) >= 0x80;
}

// Things with an '@' and a dot that are files or versions: "logo@2x.png", "app@main.js".
bool is_file_ending(std::string_view label) {
    constexpr std::array<std::string_view, 12> kEndings{"png", "jpg", "jpeg", "gif",  "svg",  "webp",
                                                        "js",  "ts",  "css",  "json", "html", "lock"};
    return std::ranges::any_of(kEndings, [&](auto ending) { return equal_folded(label, ending); });
}

bool in_label(char c) {
    return is_alnum(c) || c == '-' || static_cast<unsigned char>(c) >= 0x80;
}

// The part of a label that may be a top-level domain: ASCII letters ("com" of "com，" ), or all of "xn--...".
std::size_t top_level_size(std::string_view label) {
    if (label.starts_with("xn--")) return label.size();
    const auto letters = static_cast<std::size_t>(std::ranges::find_if_not(label, is_alpha) - label.begin());
    if (letters < label.size() && static_cast<unsigned char>(label[letters]) < 0x80) return 0;
    return is_file_ending(label.substr(0, letters)) ? 0 : letters;
}

// The end of a domain of at least two labels; 0 when there is none.
std::size_t domain_end(const Scan& scan, std::size_t at) {
    std::size_t end = 0;
    std::size_t label = at;
    for (bool first = true; label - at <= kMostDomain; first = false) {
        std::size_t i = label;
        while (i - at <= kMostDomain && in_label(scan.at(i))) ++i;
        if (i == label) break;
        const std::size_t top = first ? 0 : top_level_size(scan.text.substr(label, i - label));
        if (top >= 2) end = label + top;
        if (scan.at(i) != '.') break;
        label = i + 1;
    }
    return end;
}

}  // namespace

std::size_t scan_email(Scan& scan, std::size_t at) {
    const std::size_t end = domain_end(scan, at + 1);
    if (end == 0) return 0;
    std::size_t begin = at;
    while (begin > 0 && at - begin < kMostLocal && is_local(scan.text[begin - 1])) --begin;
    while (begin < at && !is_alnum(scan.text[begin]) && scan.text[begin] != '_' &&
           static_cast<unsigned char>(scan.text[begin]) < 0x80)
        ++begin;
    // Text without spaces in front ("邮箱是anna@...") is not part of the address when the rest of it is ASCII.
    std::size_t ascii = at;
    while (ascii > begin && static_cast<unsigned char>(scan.text[ascii - 1]) < 0x80) --ascii;
    if (ascii < at && at - ascii >= 2) begin = ascii;
    while (begin < at && (scan.text[begin] & '\xc0') == '\x80') ++begin;  // never inside a character
    // "git@host:path" names a repository; "\nanna@..." in escaped JSON starts behind the n.
    if (begin == at || (scan.text.substr(begin, at - begin) == "git")) return 0;
    if (begin > 0 && scan.text[begin - 1] == '\\' && at - begin > 1 &&
        std::string_view{"nrt"}.find(scan.text[begin]) != std::string_view::npos)
        ++begin;
    return scan.add("EMAIL", begin, end, 0.9, "email");
}

}  // namespace sluice::policies::detail
