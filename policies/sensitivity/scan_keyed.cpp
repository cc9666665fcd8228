// Secrets that stand behind a word for one, whatever is between ("TOKEN abc...", "apiKey: 'abc...'", "KEY-abc..."), hashes
// of passwords, and passwords on command lines.
#include "policies/sensitivity/scan.hpp"

#include <algorithm>
#include <bit>

namespace sluice::policies::detail {

namespace {

constexpr std::size_t kMostName = 48;
constexpr std::size_t kMostValue = 400;

struct Name {
    std::string folded;  // letters and digits in lower case
    bool capitals = false;  // the last word is in capitals: TOKEN
    bool operated = false;  // '=', ':' or a quote between
};

// The identifier in front of the value at `at`; empty when there is none.
Name name_before(const Scan& scan, std::size_t at) {
    Name name;
    std::size_t end = at;
    int lines = 0;
    while (end > 0 && at - end < 7) {
        const char c = scan.text[end - 1];
        if (c == '\n' && ++lines > 1) return name;
        if (std::string_view{" \t\n:='\"`>-,(.["}.find(c) == std::string_view::npos) break;
        name.operated = name.operated || (c != ' ' && c != '\t' && c != '\n' && c != '-' && c != '.');
        --end;
    }
    if (end == at || (lines > 0 && !name.operated)) return name;
    std::size_t begin = end;
    while (begin > 0 && end - begin < kMostName && (is_alnum(scan.text[begin - 1]) || scan.text[begin - 1] == '_' || scan.text[begin - 1] == '-')) --begin;
    for (std::size_t i = begin; i < end; ++i)
        if (is_alnum(scan.text[i])) name.folded += to_lower(scan.text[i]);
    name.capitals = end - begin >= 3 && is_upper(scan.text[end - 1]) && is_upper(scan.text[end - 2]) && is_upper(scan.text[end - 3]);
    return name;
}

bool names_a_secret(std::string_view name) {
    constexpr std::array<std::string_view, 20> kWords{"secret",     "token",   "key",      "private",  "access",      "apikey", "pat",  "credential", "credentials", "license",
                                                      "licensekey", "apitoken", "password", "passwd",  "pwd",         "apisecret", "auth", "authentication", "webhook", "bearer"};
    constexpr std::array<std::string_view, 24> kOthers{"publickey", "cachekey",  "primarykey", "foreignkey", "partitionkey", "sortkey", "idempotencykey", "objectkey",
                                                       "rowkey",    "shardkey",  "routingkey", "groupkey",   "lookupkey",    "hotkey",  "nexttoken",      "pagetoken",
                                                       "monkey",    "turkey",    "csrf",       "maxtoken",   "continuationtoken", "keyboard", "hashkey",   "sessionkeyid"};
    if (std::ranges::any_of(kOthers, [&](auto other) { return name.ends_with(other); })) return false;
    return std::ranges::any_of(kWords, [&](auto word) { return name.ends_with(word); });
}

bool in_value(char c) {
    return is_base64url(c) || c == '.' || c == '+' || c == '/' || c == '=' || c == '~' || c == '|' || c == '$';
}

bool is_uuid(std::string_view value) {
    if (value.size() != 36) return false;
    for (std::size_t i = 0; i < 36; ++i)
        if (i == 8 || i == 13 || i == 18 || i == 23 ? value[i] != '-' : !is_hex(value[i])) return false;
    return true;
}

// Dates, versions, paths, hosts and numbers.
bool is_plain(std::string_view value) {
    const auto count = [&](auto test) { return static_cast<std::size_t>(std::ranges::count_if(value, test)); };
    const std::size_t digits = count(is_digit);
    const std::size_t letters = count(is_alpha);
    if (digits < 3 || letters < 3) return true;
    if (value.find("//") != std::string_view::npos || value.find("/.") != std::string_view::npos) return true;
    const std::size_t marks = value.size() - digits - letters;
    return value.find('.') != std::string_view::npos && marks * 4 > value.size();
}

}  // namespace

bool mixed_enough(std::string_view value) {
    std::array<std::uint64_t, 2> seen{};
    std::size_t digits = 0;
    std::size_t letters = 0;
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c) & 0x7fU;
        seen[byte >> 6U] |= std::uint64_t{1} << (byte & 63U);
        digits += is_digit(c) ? 1U : 0U;
        letters += is_alpha(c) ? 1U : 0U;
    }
    const auto distinct = std::popcount(seen[0]) + std::popcount(seen[1]);
    return digits > 0 && letters > 0 && distinct >= (value.size() >= 16 ? 6 : 5);
}

namespace {

// Mailchimp: 32 characters and the data centre.
std::size_t scan_data_centre_key(Scan& scan, std::size_t at, std::size_t word_end) {
    if (!scan.text.substr(word_end).starts_with("-us") || !is_digit(scan.at(word_end + 3))) return 0;
    std::size_t end = word_end + 4;
    while (end < word_end + 6 && is_digit(scan.at(end))) ++end;
    if (is_alnum(scan.at(end)) || !looks_generated(scan.text.substr(at, word_end - at))) return 0;
    return scan.add("API_KEY", at, end, 0.9, "prefix");
}

// "TOKEN k_abc123...": a few letters and a line in front belong to the value.
std::size_t begin_of_value(const Scan& scan, std::size_t at) {
    constexpr std::size_t kMostHead = 3;
    if (at < 2 || scan.text[at - 1] != '_') return at;
    std::size_t begin = at - 1;
    while (begin > 0 && at - begin <= kMostHead && is_alnum(scan.text[begin - 1])) --begin;
    return begin;
}

}  // namespace

std::size_t scan_webhook(Scan& scan, std::size_t word_begin, std::size_t word_end) {
    constexpr std::size_t kMostPath = 300;
    constexpr std::size_t kLeastSecret = 24;
    if (word_begin == 0 || scan.text[word_begin - 1] != '/' || scan.at(word_end) != '/' || !scan.may_read_value(word_end)) return 0;
    bool secret = false;  // a part of the path was generated
    std::size_t part = word_end + 1;
    std::size_t end = part;
    const auto judge = [&] {
        const auto text = scan.text.substr(part, end - part);
        secret = secret || (text.size() >= kLeastSecret && mixed_enough(text));
    };
    for (; end < word_end + kMostPath && (is_base64url(scan.at(end)) || scan.at(end) == '/' || scan.at(end) == '@'); ++end) {
        if (scan.text[end] != '/' && scan.text[end] != '@') continue;
        judge();
        part = end + 1;
    }
    judge();
    if (secret) return scan.add("API_KEY", word_begin, end, 0.8, "webhook");
    scan.rejected_value(end);
    return 0;
}

std::size_t scan_keyed(Scan& scan, std::size_t at, std::size_t word_end) {
    const char behind = scan.at(word_end);
    const std::size_t size = word_end - at;
    if (size == 32 && behind == '-')
        if (const auto found = scan_data_centre_key(scan, at, word_end)) return found;
    at = begin_of_value(scan, at);
    if (at == 0 || (size < 10 && !in_value(behind)) || size < 4) return 0;
    const bool number = static_cast<std::size_t>(std::countr_one(scan.window(at).digit)) >= size;
    if (number && !in_value(behind)) return 0;
    const char before = scan.text[at - 1];
    if (std::string_view{" \t\n:='\"`>-,(."}.find(before) == std::string_view::npos) return 0;
    std::size_t end = at;
    while (end < at + kMostValue && end < scan.text.size() && in_value(scan.text[end])) ++end;
    while (end > at && (scan.text[end - 1] == '.' || scan.text[end - 1] == '-')) --end;
    const auto value = scan.text.substr(at, end - at);
    if (value.size() < 11 || is_plain(value) || !mixed_enough(value)) return 0;
    if (scan.near(Context::Authorization, at, 20) && value.size() >= 16) return scan.add("API_KEY", at, end, 0.85, "authorization");
    const Name name = name_before(scan, at);
    if (name.folded.size() < 3 || !names_a_secret(name.folded)) return 0;
    // "key 1234567890abcdef1234567890abcdef" in a sentence: long, or announced by a sign or in capitals.
    if (!name.operated && !name.capitals && value.size() < 20) return 0;
    if (is_uuid(value) && !name.operated && !name.capitals && !name.folded.ends_with("secret") && !name.folded.ends_with("secretkey") && !name.folded.ends_with("apikey") &&
        !name.folded.ends_with("privatekey") && !name.folded.ends_with("access") && !name.folded.ends_with("token"))
        return 0;
    if (!plausible_secret(value, SecretKind::Token, Quoted::Yes)) return 0;
    return scan.add("API_KEY", at, end, 0.6, "keyed");
}

std::size_t scan_crypt_hash(Scan& scan, std::size_t at) {
    constexpr std::array<std::string_view, 22> kSchemes{"1",    "2a",   "2b",     "2y",       "5",       "6",        "7",       "y",   "gy",     "apr1", "sha1",
                                                        "md5",  "argon2i", "argon2d", "argon2id", "pbkdf2", "pbkdf2-sha256", "pbkdf2-sha512", "scrypt", "8", "9", "krb5"};
    constexpr std::size_t kMostHash = 4096;
    if (at < scan.no_hash_before) return 0;
    const auto rest = scan.text.substr(at + 1, 24);
    const auto close = rest.find_first_of("$,");
    if (close == std::string_view::npos) return 0;
    const auto scheme = rest.substr(0, close);
    const bool kerberos = scheme.starts_with("krb5");
    if (!kerberos && std::ranges::find(kSchemes, scheme) == kSchemes.end()) return 0;
    std::size_t end = at + 1;
    while (end < at + kMostHash && end < scan.text.size() && (in_value(scan.text[end]) || (scan.text[end] == ',' || (kerberos && (scan.text[end] == '@' || scan.text[end] == ':')))))
        ++end;
    while (end > at && (scan.text[end - 1] == '.' && end - at < 30)) --end;
    if (end - at < 28) return 0;
    if (!mixed_enough(scan.text.substr(at, end - at))) {
        // No part of it is: "$1$1$1..." would be read to its end at every '$'. What was cut may go on to be one.
        scan.no_hash_before = end - at < kMostHash - 32 ? end : at + kMostHash / 2;
        return 0;
    }
    if (scan.near(Context::Documented, at, 40)) return scan.add("DOCUMENTED", at, end, 0.6, "crypt");
    if (kerberos) return scan.add("SECRET_IDENTIFIER", at, end, 0.7, "kerberos");
    return scan.add("PASSWORD", at, end, 0.8, "crypt");
}

// curl -u name:secret, --user name:secret
std::size_t scan_option(Scan& scan, std::size_t at) {
    const auto rest = scan.text.substr(at, 8);
    std::size_t i = 0;
    if (rest.starts_with("-u ") || rest.starts_with("-u'")) i = at + 2;
    else if (rest.starts_with("--user ") || rest.starts_with("--user=")) i = at + 7;
    else return rest.starts_with("--") ? scan_long_option(scan, at) : 0;
    if (rest.starts_with("-u "))
        if (const auto found = scan_login_options(scan, at)) return found;
    while (scan.at(i) == ' ' || scan.at(i) == '\'' || scan.at(i) == '"') ++i;
    const std::size_t begin = i;
    std::size_t colon = 0;
    while (i < begin + 200 && i < scan.text.size() && !is_space(scan.text[i]) && scan.text[i] != '\'' && scan.text[i] != '"') {
        if (scan.text[i] == ':' && colon == 0) colon = i;
        ++i;
    }
    if (colon == 0 || i - colon < 6 || scan.at(colon + 1) == '/') return 0;
    const auto value = scan.text.substr(colon + 1, i - colon - 1);
    if (!plausible_secret(value, SecretKind::Password, Quoted::Yes) || value.find('$') != std::string_view::npos) return 0;
    return scan.add("PASSWORD", colon + 1, i, 0.8, "command-line");
}

}  // namespace sluice::policies::detail
