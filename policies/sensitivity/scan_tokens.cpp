// Credentials with a shape of their own: vendor prefixes, JWT, private keys, AWS and Azure secrets.
#include "policies/sensitivity/scan.hpp"
#include "policies/sensitivity/token_starts.hpp"

#include <algorithm>
#include <bit>
#include <string>

namespace sluice::policies::detail {

namespace {

constexpr std::size_t kMoreToJudge = 40;
constexpr std::size_t kMostBody = 4096;  // of any token; what follows is left to the next word

bool in_alphabet(char c, Alphabet alphabet) {
    switch (alphabet) {
        case Alphabet::Upper: return is_upper(c) || is_digit(c);
        case Alphabet::Alnum: return is_alnum(c);
        case Alphabet::Word: return is_alnum(c) || c == '_';
        case Alphabet::Url: return is_base64url(c);
        case Alphabet::Hex: return is_hex(c);
        case Alphabet::Dotted: return is_base64url(c) || c == '.';
        case Alphabet::Slashed: return is_base64url(c) || c == '/' || c == '+' || c == '=' || c == ' ';
    }
    return false;
}

// Most prefixes differ in their first few characters: a loop is done before a call of memcmp would have begun.
bool begins_with(std::string_view text, std::string_view prefix) {
    if (text.size() < prefix.size()) return false;
    for (std::size_t i = 2; i < prefix.size(); ++i)
        if (text[i] != prefix[i]) return false;
    return true;
}

// Where the prefixes of each two first letters begin.
constexpr std::array<std::uint8_t, std::size_t{128} * 128 + 1> kFirst = [] {
    std::array<std::uint8_t, std::size_t{128} * 128 + 1> first{};
    std::size_t i = 0;
    for (std::size_t pair = 0; pair < first.size(); ++pair) {
        while (i < kTokenPrefixes.size() && static_cast<std::size_t>(kTokenPrefixes[i].prefix[0] * 128 + kTokenPrefixes[i].prefix[1]) < pair) ++i;
        first[pair] = static_cast<std::uint8_t>(i);
    }
    return first;
}();
static_assert(kTokenPrefixes.size() < 256);
static_assert(std::ranges::is_sorted(kTokenPrefixes, {}, &TokenPrefix::prefix));

// What an issuer made up. Fewer than ten different letters happen by chance in sixteen of an alphabet of capitals, and an exact
// prefix in front of exactly that alphabet says the rest.
bool is_issued(std::string_view body, const TokenPrefix& entry) {
    if (looks_generated(body) || (entry.least >= 14 && mixed_enough(body))) return true;
    if (entry.alphabet != Alphabet::Upper || entry.least < 16) return false;
    std::uint32_t seen = 0;
    std::size_t repeated = 0;
    for (std::size_t i = 0; i < body.size(); ++i) {
        if (is_upper(body[i])) seen |= std::uint32_t{1} << static_cast<unsigned>(body[i] - 'A');
        repeated += i > 0 && (body[i] == body[i - 1] || body[i] == body[i - 1] + 1) ? 1U : 0U;
    }
    return std::popcount(seen) >= 7 && repeated * 2 < body.size();
}

// The end of the body, or 0 when it is too short or not a body. Little more than the required part is looked at before it is
// accepted: numbers may stand in front of the part that tells ("xoxb-123456789012-123456789012-...").
std::size_t body_end(const Scan& scan, std::size_t body, const TokenPrefix& entry) {
    std::size_t i = body;
    const std::size_t least = body + entry.least;
    while (i < least && i < scan.text.size() && in_alphabet(scan.text[i], entry.alphabet)) ++i;
    if (i < least) return 0;
    const auto goes_on = [&](char c) { return c != ' ' && in_alphabet(c, entry.alphabet); };
    const auto judged = [&](std::size_t end) { return is_issued(scan.text.substr(body, end - body), entry); };
    if (!judged(i)) {
        if (std::ranges::any_of(scan.text.substr(body, entry.least), is_alpha)) return 0;
        while (i < least + kMoreToJudge && i < scan.text.size() && goes_on(scan.text[i])) ++i;
        if (i == least || !judged(i)) return 0;
    }
    const std::size_t most = body + kMostBody;
    while (i < most && i < scan.text.size() && goes_on(scan.text[i])) ++i;
    return i;
}

int base64_value(char c) {
    if (is_upper(c)) return c - 'A';
    if (is_lower(c)) return c - 'a' + 26;
    if (is_digit(c)) return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

std::string decode_base64(std::string_view text) {
    std::string out;
    unsigned bits = 0;
    int count = 0;
    for (const char c : text) {
        const int value = base64_value(c);
        if (value < 0) break;
        bits = (bits << 6U) | static_cast<unsigned>(value);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out += static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xffU);
        }
    }
    return out;
}

}  // namespace

bool looks_generated(std::string_view value) {
    std::array<std::uint64_t, 4> seen{};
    std::size_t digits = 0;
    std::size_t letters = 0;
    std::size_t in_order = 0;  // neighbours that are equal or follow each other
    char last = '\0';
    for (const char c : value) {
        seen[static_cast<unsigned char>(c) >> 6U] |= std::uint64_t{1} << (static_cast<unsigned char>(c) & 63U);
        digits += is_digit(c) ? 1U : 0U;
        letters += is_alpha(c) ? 1U : 0U;
        in_order += c == last || c == last + 1 ? 1U : 0U;
        last = c;
    }
    std::size_t distinct = 0;
    for (const auto bits : seen) distinct += static_cast<std::size_t>(std::popcount(bits));
    const bool mixed = digits > 0 && letters > 0;
    const std::size_t enough = std::min<std::size_t>(7, value.size() / 2);
    return distinct >= enough && in_order * 2 < value.size() &&
           (mixed || (letters == value.size() && value.size() >= 16 && distinct >= 10));
}

std::size_t scan_token(Scan& scan, std::size_t at) {
    if (at + 16 > scan.text.size() || !kTokenStarts.holds(token_start_slot(scan.text[at], scan.text[at + 1], scan.text[at + 2]))) return 0;
    const auto rest = scan.text.substr(at);
    const auto pair = static_cast<std::size_t>(static_cast<unsigned char>(rest[0]) * 128U + static_cast<unsigned char>(rest[1]));
    const std::size_t least = static_cast<unsigned char>(rest[1]) < 0x80 ? kFirst[pair] : 0U;
    // From the longest of several that fit: "sk-proj-" before "sk-".
    for (std::size_t i = static_cast<unsigned char>(rest[1]) < 0x80 ? kFirst[pair + 1] : 0U; i > least; --i) {
        const TokenPrefix& entry = kTokenPrefixes[i - 1U];
        if (!begins_with(rest, entry.prefix)) continue;
        const std::size_t end = body_end(scan, at + entry.prefix.size(), entry);
        if (end == 0) continue;
        // Manuals write EXAMPLE into their keys.
        if (scan.text.substr(at, end - at).find("EXAMPLE") != std::string_view::npos) return scan.add("DOCUMENTED", at, end, 0.9, "prefix");
        if (entry.prefix == "AKIA" || entry.prefix == "ASIA") scan.remember(Context::AwsKeyId, end);
        return scan.add("API_KEY", at, end, 0.95, "prefix");
    }
    // Discord: a number in base64, a time and a signature.
    if ((rest[0] == 'M' || rest[0] == 'N' || rest[0] == 'O') && rest.size() > 58) {
        std::size_t first = 0;
        while (first < 29 && is_base64url(rest[first])) ++first;
        std::size_t end = first + 8;
        if (first < 23 || rest[first] != '.' || rest[first + 7] != '.') return 0;
        while (end < rest.size() && end < first + 48 && is_base64url(rest[end])) ++end;
        if (end - first >= 35 && looks_generated(rest.substr(0, first)))
            return scan.add("API_KEY", at, at + end, 0.9, "prefix");
    }
    return 0;
}

std::size_t scan_aws_secret(Scan& scan, std::size_t at) {
    std::size_t end = at;
    while (end <= at + 40 && (is_alnum(scan.at(end)) || scan.at(end) == '/' || scan.at(end) == '+')) ++end;
    if (end != at + 40 || !looks_generated(scan.text.substr(at, 40))) return 0;
    const auto value = scan.text.substr(at, 40);
    if (std::ranges::all_of(value, is_hex)) return 0;  // a commit
    return scan.add("API_KEY", at, end, 0.9, "aws-secret");
}

std::size_t scan_azure_secret(Scan& scan, std::size_t at) {
    // Three characters, a digit, "Q~" and 31 to 34 more.
    if (at < 5 || scan.text[at - 1] != 'Q' || !is_digit(scan.text[at - 2])) return 0;
    std::size_t end = at + 1;
    while (end < at + 36 && (is_base64url(scan.at(end)) || scan.at(end) == '.' || scan.at(end) == '~')) ++end;
    if (end - at < 31 || !looks_generated(scan.text.substr(at + 1, end - at - 1))) return 0;
    return scan.add("API_KEY", at - 5, end, 0.95, "prefix");
}

std::size_t scan_jwt(Scan& scan, std::size_t at) {
    constexpr std::size_t kMostHeader = 1024;
    std::size_t i = at;
    while (i < at + kMostHeader && is_base64url(scan.at(i))) ++i;
    if (scan.at(i) != '.' || i - at < 12 || !is_base64url(scan.at(i + 1))) return 0;
    const std::string header = decode_base64(scan.text.substr(at, i - at));
    if (header.find("\"alg\"") == std::string::npos && header.find("\"typ\"") == std::string::npos) return 0;
    std::size_t end = i + 1;
    while (end < scan.text.size() && (is_base64url(scan.text[end]) || scan.text[end] == '.')) ++end;
    while (scan.text[end - 1] == '.' && end - 1 > i) --end;
    return scan.add("JWT", at, end, 0.95, "jwt");
}

std::size_t scan_encoded_key(Scan& scan, std::size_t at) {
    const auto rest = scan.text.substr(at);
    if (!rest.starts_with("LS0tLS1CRUdJTi") ||
        decode_base64(rest.substr(0, 64)).find("PRIVATE KEY") == std::string::npos)
        return 0;
    std::size_t end = at;
    while (end < scan.text.size() && base64_value(scan.text[end]) >= 0) ++end;
    while (scan.at(end) == '=') ++end;
    return scan.add("PRIVATE_KEY", at, end, 0.99, "pem-base64");
}

std::size_t scan_private_key(Scan& scan, std::size_t at) {
    constexpr std::string_view kBegin = "-----BEGIN ";
    const auto rest = scan.text.substr(at);
    if (!rest.starts_with(kBegin)) return 0;
    const auto label = rest.substr(kBegin.size(), 48);
    const auto close = label.find("-----");
    if (close == std::string_view::npos || label.substr(0, close).find("PRIVATE KEY") == std::string_view::npos)
        return 0;
    // The body, its headers and, when it is there, the closing line. Escaped line ends are part of it.
    std::size_t end = at + kBegin.size() + close + 5;
    const auto in_body = [](char c) {
        return is_alnum(c) || is_space(c) || std::string_view{"+/=\\:,."}.find(c) != std::string_view::npos;
    };
    while (end < scan.text.size() && (in_body(scan.text[end]) || (scan.text[end] == '-' && scan.at(end + 1) != '-')))
        ++end;
    if (scan.text.substr(end).starts_with("-----END ")) {
        end += 9;
        while (end < scan.text.size() && (is_upper(scan.text[end]) || scan.text[end] == ' ')) ++end;
        while (end < scan.text.size() && scan.text[end] == '-') ++end;
    }
    return scan.add("PRIVATE_KEY", at, end, 0.99, "pem");
}

}  // namespace sluice::policies::detail
