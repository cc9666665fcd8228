// Secrets that only their surroundings betray: passwords in URLs, assignments, headers and sentences.
#include "policies/sensitivity/scan.hpp"

#include <algorithm>

namespace sluice::policies::detail {

namespace {

constexpr std::size_t kMostName = 48;
constexpr std::size_t kMostValue = 512;

struct Name {
    std::string_view text;  // "aws_secret_access_key"
    std::size_t begin = 0;
};

bool is_name(char c) {
    return is_alnum(c) || c == '_' || c == '-' || c == '.';
}

// The identifier that ends before `at`, over spaces and quotes: password, "apiKey" : , <token>.
Name name_before(const Scan& scan, std::size_t at) {
    std::size_t end = at;
    std::size_t steps = 0;
    while (end > 0 && steps < 4 && std::string_view{" \t\"'`\\:]"}.find(scan.text[end - 1]) != std::string_view::npos)
        --end, ++steps;
    std::size_t begin = end;
    while (begin > 0 && end - begin < kMostName && is_name(scan.text[begin - 1])) --begin;
    return {scan.text.substr(begin, end - begin), begin};
}

// Letters and digits of a name in lower case, from its end.
struct Folded {
    std::array<char, kMostName> bytes{};
    std::size_t size = 0;
    std::string_view text() const { return {bytes.data(), size}; }
};

Folded fold(std::string_view name) {
    Folded out;
    for (const char c : name.substr(name.size() > kMostName ? name.size() - kMostName : 0))
        if (is_alnum(c)) out.bytes[out.size++] = to_lower(c);
    return out;
}

// True when the last `size` characters of a name are a word of their own: db_pass, dbPass, pass; not compass.
bool own_word(std::string_view name, std::size_t size) {
    if (name.size() <= size) return name.size() == size;
    const char first = name[name.size() - size];
    const char before = name[name.size() - size - 1];
    return !is_alpha(before) || (is_upper(first) && is_lower(before));
}

// "db_password_2", "token_value", "secret_key_base" are of what they begin with.
std::string_view without_ending(std::string_view name) {
    const auto strip = [&] {
        while (!name.empty() && !is_alpha(name.back())) name.remove_suffix(1);
    };
    strip();
    constexpr std::array<std::string_view, 3> kEndings{"_value", "_base", "_string"};
    for (const auto ending : kEndings)
        if (name.size() > ending.size() + 2 && equal_folded(name.substr(name.size() - ending.size()), ending)) {
            name.remove_suffix(ending.size());
            strip();
            break;
        }
    return name;
}

enum class NameKind : std::uint8_t { Harmless, Password, Token, Key };  // Key: "..._key", which is often no secret

NameKind kind_of(std::string_view name) {
    constexpr std::array<std::string_view, 11> kPasswords{"password",   "passwd",   "passphrase", "passcode",
                                                          "passwort",   "kennwort", "contrasena", "motdepasse",
                                                          "wachtwoord", "senha",    "pswd"};
    constexpr std::array<std::string_view, 3> kShortPasswords{"pass", "pwd", "pw"};
    constexpr std::array<std::string_view, 17> kTokens{
        "secret",    "token",      "apikey",      "secretkey",       "accesskey",  "privatekey",
        "authkey",   "masterkey",  "signingkey",  "encryptionkey",   "accountkey", "storagekey",
        "sharedkey", "credential", "credentials", "subscriptionkey", "appkey"};
    constexpr std::array<std::string_view, 2> kShortTokens{"sig", "pat"};
    constexpr std::array<std::string_view, 10> kHarmless{
        "public",     "maxtoken", "nexttoken",         "pagetoken",        "continuationtoken", "csrf",
        "tokentoken", "eostoken", "authenticitytoken", "verificationtoken"};
    constexpr std::array<std::string_view, 16> kOtherKeys{
        "cache", "primary", "foreign", "partition",   "sort",   "idempotency", "object", "row",
        "shard", "routing", "group",   "translation", "lookup", "hot",         "short",  "storage"};
    name = without_ending(name);
    if (name.size() < 2) return NameKind::Harmless;
    // Nearly every name ends in a letter none of the words ends in.
    if (std::string_view{"dsetnyglwa"}.find(to_lower(name.back())) == std::string_view::npos) return NameKind::Harmless;
    const Folded folded = fold(name);
    const auto ends = [&](std::string_view word) { return folded.text().ends_with(word); };
    const auto holds = [&](std::string_view word) { return folded.text().find(word) != std::string_view::npos; };
    const auto ends_own = [&](std::string_view word) { return ends(word) && own_word(name, word.size()); };
    if (std::ranges::any_of(kHarmless, holds)) return NameKind::Harmless;
    if (std::ranges::any_of(kPasswords, ends) || std::ranges::any_of(kShortPasswords, ends_own))
        return NameKind::Password;
    if (std::ranges::any_of(kTokens, ends) || std::ranges::any_of(kShortTokens, ends_own)) return NameKind::Token;
    if (ends_own("key") && std::ranges::none_of(kOtherKeys, holds)) return NameKind::Key;
    return NameKind::Harmless;
}

struct Value {
    std::size_t begin = 0;
    std::size_t end = 0;
    Quoted quoted = Quoted::No;
};

// What is assigned at `at`: a quoted string or everything up to a delimiter, on the same line.
Value read_value(const Scan& scan, std::size_t at) {
    constexpr std::size_t kMostBlanks = 24;  // values may stand in a column
    std::size_t i = at;
    while (i < at + kMostBlanks && (scan.at(i) == ' ' || scan.at(i) == '\t')) ++i;
    if (scan.at(i) == '\\' && (scan.at(i + 1) == '"' || scan.at(i + 1) == '\'')) ++i;
    const char quote = scan.at(i);
    Value value;
    if (quote == '"' || quote == '\'' || quote == '`') {
        value.quoted = Quoted::Yes;
        value.begin = value.end = i + 1;
        while (value.end < value.begin + kMostValue && value.end < scan.text.size()) {
            const char c = scan.text[value.end];
            if (c == quote || c == '\n' || (c == '\\' && scan.at(value.end + 1) == quote)) break;
            ++value.end;
        }
        return value;
    }
    value.begin = value.end = i;
    while (value.end < value.begin + kMostValue && value.end < scan.text.size()) {
        const char c = scan.text[value.end];
        if (is_space(c) || std::string_view{",;\"'`<>)]}|"}.find(c) != std::string_view::npos) break;
        if (c == '\\' && std::string_view{"nrt\"'"}.find(scan.at(value.end + 1)) != std::string_view::npos) break;
        ++value.end;
    }
    while (value.end > value.begin && scan.text[value.end - 1] == '.') --value.end;
    return value;
}

// A word for a password where a password should stand: "-p password".
bool names_itself(std::string_view value) {
    constexpr std::array<std::string_view, 6> kWords{"password", "passwd", "secret", "yourpassword", "your-password", "your_password"};
    return std::ranges::any_of(kWords, [&](auto word) { return equal_folded(value, word); });
}

bool is_key_character(char c) {
    return is_base64url(c) || c == '+' || c == '=';
}

std::size_t accept(Scan& scan, NameKind kind, const Value& value, double score, std::string_view detector) {
    const auto text = scan.text.substr(value.begin, value.end - value.begin);
    if (kind != NameKind::Password && text.find("EXAMPLE") != std::string_view::npos && text.size() == text.find("EXAMPLE") + 7) {
        // AWS's own sample: the scanner of prefixes has it as what it is.
        scan.rejected_value(value.end);
        return 0;
    }
    const auto secret = kind == NameKind::Password ? SecretKind::Password : SecretKind::Token;
    if (!plausible_secret(text, secret, value.quoted) ||
        (kind == NameKind::Key &&
         !(text.size() >= 20 && looks_generated(text) && std::ranges::all_of(text, is_key_character)))) {
        scan.rejected_value(value.end);
        return 0;
    }
    return scan.add(kind == NameKind::Password ? "PASSWORD" : "API_KEY", value.begin, value.end, score, detector);
}

}  // namespace

namespace {

// "<password name='x'>": the name of the element that ends at `at`.
Name element_before(const Scan& scan, std::size_t at) {
    constexpr std::size_t kMostElement = 96;
    std::size_t begin = at;
    while (begin > 0 && at - begin < kMostElement && scan.text[begin - 1] != '<' && scan.text[begin - 1] != '>' && scan.text[begin - 1] != '\n') --begin;
    if (begin == 0 || scan.text[begin - 1] != '<') return {};
    std::size_t end = begin;
    while (end < at && is_name(scan.text[end])) ++end;
    return {scan.text.substr(begin, end - begin), begin};
}

bool in_name_mark(char c) {
    return is_space(c) || c == ':' || c == '=' || c == '"' || c == '\'' || c == '>' || c == '-';
}

// What a "value" or "default" is the value of: the name that stands before it, with a word that says so.
//   - name: DB_PASSWORD        {"name": "DB_PASSWORD", "value": "..."}        variable "db_password" { default = "..." }
std::string_view named_before(const Scan& scan, std::size_t at) {
    constexpr std::size_t kMostBetween = 40;
    constexpr std::array<std::string_view, 3> kWords{"name", "key", "variable"};
    std::size_t end = at;
    const std::size_t stop = at - std::min(at, kMostBetween);
    int lines = 0;
    while (end > stop && !is_name(scan.text[end - 1])) {
        if (scan.text[end - 1] == '}' || (scan.text[end - 1] == '\n' && ++lines > 1)) return {};
        --end;
    }
    std::size_t begin = end;
    while (begin > 0 && end - begin < kMostName && is_name(scan.text[begin - 1])) --begin;
    std::size_t word_end = begin;
    while (word_end > 0 && begin - word_end < 6 && in_name_mark(scan.text[word_end - 1])) --word_end;
    std::size_t word = word_end;
    while (word > 0 && word_end - word < 9 && is_alpha(scan.text[word - 1])) --word;
    if (word_end == begin || std::ranges::none_of(kWords, [&](auto known) { return equal_folded(scan.text.substr(word, word_end - word), known); })) return {};
    return scan.text.substr(begin, end - begin);
}

// PuTTY's key file: what stands between its two lines is the key.
std::size_t scan_putty_key(Scan& scan, std::size_t name_begin, std::size_t at) {
    std::size_t end = scan.text.find('\n', at);
    if (end == Scan::npos || end - at > 8 || !(is_digit(scan.at(end - 1)) || is_digit(scan.at(end - 2)))) return 0;
    const std::size_t body = ++end;
    while (end < scan.text.size() && (is_alnum(scan.text[end]) || is_space(scan.text[end]) || scan.text[end] == '+' || scan.text[end] == '/' || scan.text[end] == '=')) ++end;
    return end - body < 64 ? 0 : scan.add("PRIVATE_KEY", name_begin, end, 0.95, "putty");
}

}  // namespace

std::size_t scan_assignment(Scan& scan, std::size_t at) {
    const char before = at > 0 ? scan.text[at - 1] : '\0';
    const char op = scan.text[at];
    if (before == '=' || before == '!' || before == '<' || (op == '>' && before == '-')) return 0;
    if (scan.at(at + 1) == '=' && op != ':') return 0;
    if (op == ':' && (scan.at(at + 1) == ':' || scan.at(at + 1) == '/')) return 0;
    const bool closes = op == '>' && (before == '"' || before == '\'');
    const Name name = closes ? element_before(scan, at) : name_before(scan, op == '>' && before == '=' ? at - 1 : at);
    if (name.text.empty()) return 0;
    if (op == ':' && name.text == "Private-Lines") return scan_putty_key(scan, name.begin, at);
    const bool says_nothing = op != '>' && (name.text == "value" || name.text == "Value" || name.text == "default");
    const NameKind kind = kind_of(says_nothing ? named_before(scan, name.begin) : name.text);
    if (kind == NameKind::Harmless) return 0;
    if (!scan.may_read_value(at)) return 0;
    if (op == '>' && (name.begin == 0 || scan.text[name.begin - 1] != '<')) return 0;
    std::size_t from = at + 1;
    while (from < at + 3 && (scan.at(from) == '=' || scan.at(from) == '>')) ++from;
    return accept(scan, kind, read_value(scan, from), 0.8, "assignment");
}

std::size_t scan_spoken_password(Scan& scan, std::size_t word_begin, std::size_t word_end) {
    std::size_t i = word_end;
    // The rest of a word with other letters ("contraseña"), then spaces.
    while (i < word_end + 8 && (is_alnum(scan.at(i)) || static_cast<unsigned char>(scan.at(i)) >= 0x80)) ++i;
    const bool option = word_begin >= 2 && scan.text[word_begin - 1] == '-' && scan.text[word_begin - 2] == '-';
    if (scan.at(i) != ' ' || !scan.may_read_value(i)) return 0;
    while (scan.at(i) == ' ' && i < word_end + 12) ++i;
    if (option) return accept(scan, NameKind::Password, read_value(scan, i), 0.75, "command-line");
    if (scan.at(i) == '\'' || scan.at(i) == '"')
        return accept(scan, NameKind::Password, read_value(scan, i), 0.75, "sql");
    std::size_t end = i;
    while (end < i + 8 && is_alpha(scan.at(end))) ++end;
    constexpr std::array<std::string_view, 9> kVerbs{"is", "was", "ist", "lautet", "est", "es", "e", "to", "be"};
    const auto verb = scan.text.substr(i, end - i);
    // SQL and scripts: "LOGIN PASSWORD tr0ub4dor".
    const bool shouted = is_upper(scan.text[word_begin]) && is_upper(scan.text[word_begin + 1]);
    if (shouted) {
        const Value value = read_value(scan, i);
        if (mixed_enough(scan.text.substr(value.begin, value.end - value.begin))) return accept(scan, NameKind::Password, value, 0.7, "sql");
    }
    if (scan.at(end) != ' ' || std::ranges::none_of(kVerbs, [&](auto known) { return equal_folded(verb, known); }))
        return 0;
    return accept(scan, NameKind::Password, read_value(scan, end + 1), 0.75, "sentence");
}

namespace {

// Where the value of "IDENTIFIED BY ..." or "IDENTIFIED WITH plugin BY|AS ..." begins, or 0.
std::size_t behind_identified(const Scan& scan, std::size_t at) {
    const auto follows = [&](std::size_t i, std::string_view words) { return equal_folded(scan.text.substr(std::min(i, scan.text.size()), words.size()), words); };
    if (follows(at, " by ")) return at + 4;
    if (!follows(at, " with ")) return 0;
    std::size_t i = at + 6;
    while (i < at + 48 && (is_alnum(scan.at(i)) || scan.at(i) == '_' || scan.at(i) == '\'' || scan.at(i) == '"' || scan.at(i) == '`')) ++i;
    return follows(i, " by ") || follows(i, " as ") ? i + 4 : 0;
}

}  // namespace

std::size_t scan_authorization(Scan& scan, std::size_t word_begin, std::size_t word_end) {
    if (scan.at(word_end) != ' ') return 0;
    const auto word = scan.text.substr(word_begin, word_end - word_begin);
    if (equal_folded(word, "identified")) {  // SQL: IDENTIFIED BY 'secret'
        if (const std::size_t value = behind_identified(scan, word_end)) return accept(scan, NameKind::Password, read_value(scan, value), 0.8, "sql");
        return 0;
    }
    const bool header = scan.near(Context::Authorization, word_begin, 8);
    std::size_t end = word_end + 1;
    while (end < word_end + 2048 &&
           (is_base64url(scan.at(end)) || std::string_view{"./+=~"}.find(scan.at(end)) != std::string_view::npos))
        ++end;
    const auto value = scan.text.substr(std::min(word_end + 1, scan.text.size()), end - word_end - 1);
    const std::size_t least = header ? 12 : 20;
    if (value.size() < least || (equal_folded(word, "basic") && !header)) return 0;
    if (value.starts_with("eyJ") || !plausible_secret(value, SecretKind::Token, Quoted::No))
        return 0;  // a JWT names itself
    return scan.add("API_KEY", word_end + 1, end, header ? 0.9 : 0.75, "authorization");
}

std::size_t scan_url_password(Scan& scan, std::size_t at) {
    if (scan.text[at] != ':' || scan.at(at + 1) != '/' || scan.at(at + 2) != '/') return 0;
    std::size_t begin = at;
    while (begin > 0 && at - begin < 24 &&
           (is_alnum(scan.text[begin - 1]) ||
            std::string_view{"+-."}.find(scan.text[begin - 1]) != std::string_view::npos))
        --begin;
    std::size_t colon = 0;
    std::size_t i = at + 3;
    for (; i < at + 260 && i < scan.text.size() && scan.text[i] != '@'; ++i) {
        const char c = scan.text[i];
        if (is_space(c) || std::string_view{"\"'`<>/?#,\\"}.find(c) != std::string_view::npos) return 0;
        if (c == ':' && colon == 0) colon = i;
    }
    if (begin == at || colon == 0 || scan.at(i) != '@' || i - colon < 4) return 0;
    const auto password = scan.text.substr(colon + 1, i - colon - 1);
    const auto user = scan.text.substr(at + 3, colon - at - 3);
    constexpr std::array<std::string_view, 8> kPlaceholders{"password", "pass",  "passwd", "pwd",
                                                            "secret",   "token", "xxx",    "changeme"};
    const bool placeholder =
        std::ranges::any_of(kPlaceholders, [&](auto known) { return equal_folded(password, known); });
    if (placeholder || password == user || std::string_view{"${<[*%("}.find(password[0]) != std::string_view::npos)
        return 0;
    if (password.find_first_not_of(password[0]) == std::string_view::npos) return 0;
    std::size_t end = i + 1;
    while (end < i + 256 &&
           (is_alnum(scan.at(end)) || std::string_view{".-_:/[]"}.find(scan.at(end)) != std::string_view::npos) &&
           scan.at(end) != '\0')
        ++end;
    return scan.add("URL_CREDENTIALS", begin, end, 0.9, "url");
}

// --registry-token abc..., --db-password 'abc...': what an option's name says of the word behind it.
std::size_t scan_long_option(Scan& scan, std::size_t at) {
    std::size_t end = at + 2;
    while (end < at + 2 + kMostName && (is_alnum(scan.at(end)) || scan.at(end) == '-' || scan.at(end) == '_')) ++end;
    if (scan.at(end) != ' ' || !is_alpha(scan.at(at + 2))) return 0;
    const NameKind kind = kind_of(scan.text.substr(at + 2, end - at - 2));
    if (kind == NameKind::Harmless || scan.at(end + 1) == '-' || !scan.may_read_value(end)) return 0;
    return accept(scan, kind, read_value(scan, end + 1), 0.75, "command-line");
}

// tool -u name -p secret, with nothing between the two; a database client's -p stands for a question and its next word for
// the database.
std::size_t scan_login_options(Scan& scan, std::size_t at) {
    constexpr std::size_t kMostBefore = 96;
    constexpr std::size_t kMostUser = 64;
    std::size_t end = at + 3;
    while (end < at + 3 + kMostUser && end < scan.text.size() && !is_space(scan.text[end])) ++end;
    if (!scan.text.substr(std::min(end, scan.text.size())).starts_with(" -p ") || end == at + 3) return 0;
    if (scan.text.substr(at, end - at).ends_with(".py")) return 0;  // python -u script -p ...
    const std::size_t from = std::max(scan.line(), at - std::min(at, kMostBefore));
    const auto command = scan.text.substr(from, at - from);
    if (command.find("mysql") != Scan::npos || command.find("mariadb") != Scan::npos) return 0;
    const Value value = read_value(scan, end + 4);
    const auto text = scan.text.substr(value.begin, value.end - value.begin);
    const bool reference = text.empty() || std::string_view{"$%<{-/.\\"}.find(text[0]) != Scan::npos || text.find(':') != Scan::npos;
    const bool shouted = std::ranges::none_of(text, [](char c) { return is_lower(c) || is_digit(c); });
    if (reference || shouted || text.size() < 5 || std::ranges::none_of(text, is_alpha) || names_itself(text)) return 0;
    return scan.add("PASSWORD", value.begin, value.end, 0.7, "command-line");
}

void scan_member_value(Scan& scan, std::string_view key) {
    const NameKind kind = kind_of(key);
    if (kind == NameKind::Harmless || scan.text.size() > kMostValue || scan.text.find('\n') != std::string_view::npos)
        return;
    accept(scan, kind, {0, scan.text.size(), Quoted::Yes}, 0.8, "assignment");
}

}  // namespace sluice::policies::detail
