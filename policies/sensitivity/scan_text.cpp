// The one pass over a text: looks at each byte once, hands those that may start something to their scanner, and
// remembers the words that give meaning to what follows.
#include "policies/sensitivity/scan.hpp"

#include <algorithm>

namespace sluice::policies {

namespace detail {

Scan::Scan(std::string_view text_, std::string_view key, std::vector<Hit>& hits) : text(text_), hits_(hits) {
    last_.fill(npos);
    // "card_number", "cardNumber", "SSN": words of a name end at separators and before a capital behind a small letter.
    for (std::size_t i = 0; i < key.size();) {
        std::size_t end = i;
        while (end < key.size() && is_alpha(key[end]) && !(end > i && is_upper(key[end]) && is_lower(key[end - 1])))
            ++end;
        const auto word = key.substr(i, end - i);
        // In names a call is a function's: tool_call_id.
        if (!equal_folded(word, "call")) in_key_[static_cast<std::size_t>(context_of(word))] = true;
        i = std::max(end, i + 1);
    }
}

bool Scan::near(Context context, std::size_t position, std::size_t reach) const {
    const std::size_t last = last_[static_cast<std::size_t>(context)];
    return in_key_[static_cast<std::size_t>(context)] || (last != npos && position >= last && position - last <= reach);
}

std::size_t Scan::add(std::string_view type, std::size_t begin, std::size_t end, double score,
                      std::string_view detector) {
    hits_.push_back({type, begin, end, score, detector});
    return end;
}

bool Scan::may_read_value(std::size_t at) {
    constexpr int kMostInside = 4;
    if (at >= rejected_end_) read_inside_rejected_ = 0;
    return ++read_inside_rejected_ <= kMostInside;
}

namespace {

enum class Start : std::uint8_t {
    Nothing,
    Digit,
    Letter,
    Parenthesis,
    Plus,
    At,
    Dash,
    Operator,
    Tilde,
    Escape,
    NewLine
};

constexpr std::array<Start, 256> kStarts = [] {
    std::array<Start, 256> table{};
    for (unsigned c = '0'; c <= '9'; ++c) table[c] = Start::Digit;
    for (unsigned c = 'a'; c <= 'z'; ++c) table[c] = Start::Letter;
    for (unsigned c = 'A'; c <= 'Z'; ++c) table[c] = Start::Letter;
    table['('] = Start::Parenthesis;
    table['+'] = Start::Plus;
    table['@'] = Start::At;
    table['-'] = Start::Dash;
    table[':'] = Start::Operator;
    table['='] = Start::Operator;
    table['>'] = Start::Operator;
    table['~'] = Start::Tilde;
    table['\\'] = Start::Escape;
    table['\n'] = Start::NewLine;
    return table;
}();

// Everything that begins where a word begins. Returns the end of a finding or of the word.
std::size_t scan_word(Scan& scan, std::size_t at) {
    std::size_t letters = at;
    while (is_alpha(scan.at(letters))) ++letters;
    std::size_t end = letters;
    while (is_alnum(scan.at(end))) ++end;

    if (const auto found = scan_token(scan, at)) return found;
    if (scan.text[at] == 'e' && scan.at(at + 1) == 'y' && scan.at(at + 2) == 'J')
        if (const auto found = scan_jwt(scan, at)) return found;
    if (scan.text[at] == 'L' && scan.at(at + 1) == 'S')
        if (const auto found = scan_encoded_key(scan, at)) return found;
    if (letters == at + 2 && is_digit(scan.at(letters)))
        if (const auto found = scan_iban(scan, at)) return found;
    if (scan.near(Context::AwsKeyId, at, 200))
        if (const auto found = scan_aws_secret(scan, at)) return found;
    if (letters == end) {
        const auto word = scan.text.substr(at, end - at);
        const Context context = context_of(word);
        if (context != Context::None) scan.remember(context, end);
        if (context == Context::Password)
            if (const auto found = scan_spoken_password(scan, at, end)) return found;
        const char first = to_lower(word[0]);
        if ((first == 'b' || first == 'i') &&
            (equal_folded(word, "bearer") || equal_folded(word, "basic") || equal_folded(word, "identified")))
            if (const auto found = scan_authorization(scan, at, end)) return found;
    }
    return end;
}

// Escapes of JSON text that was not decoded ("\n4111...") stand between words, they are not part of them.
std::size_t skip_escape(Scan& scan, std::size_t at) {
    const char c = scan.at(at + 1);
    if (c == 'n') scan.new_line();
    if (c == 'n' || c == 'r' || c == 't' || c == '\\') return at + 2;
    if (c != 'u') return at + 1;
    std::size_t end = at + 2;
    while (end < at + 6 && is_hex(scan.at(end))) ++end;
    return end == at + 6 ? end : at + 1;
}

// The byte behind what was found, or 0.
std::size_t scan_at(Scan& scan, std::size_t at, Start start) {
    switch (start) {
        case Start::Nothing: return 0;
        case Start::NewLine: scan.new_line(); return 0;
        case Start::Escape: return skip_escape(scan, at);
        case Start::Letter: return scan_word(scan, at);
        case Start::Digit: return scan_digits(scan, at);
        case Start::Parenthesis: return scan_parenthesis(scan, at);
        case Start::Plus: return scan_plus(scan, at);
        case Start::At: return scan_email(scan, at);
        case Start::Dash: return scan_private_key(scan, at);
        case Start::Tilde: return scan_azure_secret(scan, at);
        case Start::Operator:
            if (const auto found = scan_url_password(scan, at)) return found;
            return scan_assignment(scan, at);
    }
    return 0;
}

}  // namespace

}  // namespace detail

void scan_text(std::string_view text, std::string_view key, std::vector<Hit>& hits) {
    detail::Scan scan{text, key, hits};
    if (!key.empty()) detail::scan_member_value(scan, key);
    for (std::size_t i = 0; i < text.size();) {
        const auto start = detail::kStarts[static_cast<unsigned char>(text[i])];
        if (start == detail::Start::Nothing) ++i;
        else i = std::max(detail::scan_at(scan, i, start), i + 1);
    }
}

core::DataClass default_class(std::string_view type) {
    if (type == "EMAIL" || type == "PHONE") return core::DataClass::Confidential;
    return core::DataClass::Restricted;
}

}  // namespace sluice::policies
