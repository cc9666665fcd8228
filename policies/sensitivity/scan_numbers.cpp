// Numbers with a shape and a check: cards, US social security numbers, phones.
#include "policies/sensitivity/grouped.hpp"
#include "policies/sensitivity/scan.hpp"

#include <algorithm>
#include <bit>

namespace sluice::policies::detail {

bool luhn(std::string_view digits) {
    int sum = 0;
    bool doubled = false;
    for (auto it = digits.rbegin(); it != digits.rend(); ++it, doubled = !doubled) {
        const int value = *it - '0';
        sum += doubled ? (value > 4 ? value * 2 - 9 : value * 2) : value;
    }
    return sum % 10 == 0;
}

bool glued_before(const Scan& scan, std::size_t at) {
    if (at == 0) return false;
    const char before = scan.text[at - 1];
    return before == '_' || before == '/' ||
           ((before == '-' || before == '.') && at > 1 && is_alnum(scan.text[at - 2]));
}

bool ends_number(const Scan& scan, std::size_t end) {
    const char after = scan.at(end);
    if (is_alnum(after) || after == '_') return false;
    return !((after == '-' || after == '.') && is_alnum(scan.at(end + 1)) && !is_digit(scan.at(end + 1)));
}

namespace {

int number(std::string_view digits) {
    int value = 0;
    for (const char c : digits) value = value * 10 + (c - '0');
    return value;
}

// Issuer ranges and the lengths they come in.
bool issuer_fits(std::string_view digits) {
    const std::size_t length = digits.size();
    if (digits[0] == '4') return length == 13 || length == 16 || length == 19;
    const int two = number(digits.substr(0, 2));
    if (two == 34 || two == 37) return length == 15;
    const int three = number(digits.substr(0, 3));
    const int four = number(digits.substr(0, 4));
    if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) return length == 16;
    if (four == 6011 || (three >= 644 && three <= 649) || two == 65 || two == 62) return length >= 16;
    if (four >= 3528 && four <= 3589) return length >= 16;
    if ((three >= 300 && three <= 305) || two == 36 || two == 38 || two == 39) return length >= 14;
    return false;
}

// Digits in groups joined by single separators, as people write long numbers; as many as the longest card has.
struct Groups : Grouped {
    char separator = '\0';  // the first one
    bool mixed = false;     // different separators
};

// Length of a separator at `at`: space, hyphen, dot or a no-break space, 0 for none.
std::size_t separator_at(std::string_view text, std::size_t at) {
    if (at >= text.size()) return 0;
    const char c = text[at];
    if (c == ' ' || c == '-' || c == '.') return 1;
    return c == '\xc2' && at + 1 < text.size() && text[at + 1] == '\xa0' ? 2 : 0;
}

Groups read_groups(const Scan& scan, std::size_t at) {
    const std::string_view text = scan.text;
    const std::uint64_t digit = scan.window(at).digit;
    Groups out;
    out.begin = at;
    std::size_t i = 0;
    while (out.count < Grouped::kMost) {
        const auto run = static_cast<std::size_t>(std::countr_one(digit >> i));
        if (run == 0) break;
        const std::size_t room = Grouped::kMost - out.count;
        out.take(text, i, std::min(run, room));
        if (run > room) break;  // goes on, nobody looks how far
        out.close_group();
        i += run;
        const std::size_t gap = separator_at(text, at + i);
        if (gap == 0 || (digit >> (i + gap) & 1U) == 0 || out.count == Grouped::kMost) break;
        if (out.separator == '\0') out.separator = text[at + i];
        else out.mixed = out.mixed || out.separator != text[at + i];
        i += gap;
    }
    return out;
}

// Sizes as printed on cards, or one digit at a time.
bool grouped_like_a_card(const Groups& groups, std::size_t digits) {
    std::size_t covered = 0;
    std::size_t fours = 0;
    std::size_t ones = 0;
    std::size_t used = 0;
    for (; covered < digits && used < groups.groups; covered += groups.sizes[used++]) {
        fours += groups.sizes[used] == 4 ? 1U : 0U;
        ones += groups.sizes[used] <= 2 ? 1U : 0U;
    }
    const bool four_six = used == 3 && groups.sizes[0] == 4 && groups.sizes[1] == 6;
    return four_six || fours + 1 >= used || ones == used;
}

std::size_t scan_card(Scan& scan, std::size_t at, const Groups& groups) {
    if (groups.count < 13) return 0;
    for (std::size_t length = std::min<std::size_t>(19, groups.count); length >= 13; --length) {
        const auto digits = groups.first(length);
        if (!groups.ends_group(length) || !issuer_fits(digits)) continue;
        const std::size_t end = groups.end(length);
        if (digits.find_first_not_of(digits[0]) == std::string_view::npos || !luhn(digits) || !ends_number(scan, end))
            continue;
        const bool plain = end - at == length;
        double score = plain ? 0.8 : grouped_like_a_card(groups, length) ? 0.9 : 0.45;
        if (glued_before(scan, at)) score -= 0.4;
        if (plain && scan.near(Context::Harmless, at, 16)) score -= 0.4;
        if (scan.near(Context::Card, at)) score = std::max(score + 0.1, 0.85);
        return scan.add("CREDIT_CARD", at, end, std::min(score, 0.97), "luhn");
    }
    return 0;
}

bool is_social_security_number(std::string_view digits) {
    const int area = number(digits.substr(0, 3));
    return area != 0 && area != 666 && area < 900 && digits.substr(3, 2) != "00" && digits.substr(5) != "0000";
}

// 123-45-6789; 123 45 6789 and 123456789 behind words that say so.
std::size_t scan_social_security(Scan& scan, std::size_t at, const Groups& groups) {
    if (groups.count < 9 || !groups.ends_group(9) || !is_social_security_number(groups.first(9))) return 0;
    const std::size_t end = groups.end(9);
    if (!ends_number(scan, end) || glued_before(scan, at)) return 0;
    const bool shaped =
        groups.count == 9 && groups.groups == 3 && groups.sizes[0] == 3 && groups.sizes[1] == 2 && !groups.mixed;
    const bool named = scan.near(Context::SocialSecurity, at);
    const bool dashed = shaped && groups.separator == '-' && !scan.near(Context::Harmless, at, 16);
    if (!(dashed || (named && (shaped || groups.sizes[0] == 9)))) return 0;
    return scan.add("US_SSN", at, end, named ? 0.95 : 0.75, "ssn-rules");
}

// 212-555-0134, 212.555.0134, 1-800-555-0134; other groupings of 7 to 15 digits only behind words that say phone.
std::size_t scan_phone(Scan& scan, std::size_t at, const Groups& groups) {
    if (groups.count < 7 || groups.count > 15 || glued_before(scan, at) || !ends_number(scan, groups.end(groups.count))) return 0;
    const std::size_t lead = groups.count == 11 && groups.characters[0] == '1' && groups.sizes[0] == 1 ? 1 : 0;
    const bool us = groups.count - lead == 10 && groups.groups - lead == 3 && groups.sizes[lead] == 3 &&
                    groups.sizes[lead + 1] == 3 && groups.characters[lead] >= '2' && groups.characters[lead + 3] >= '2' &&
                    !groups.mixed;
    const bool named = scan.near(Context::Phone, at, 24);
    if (us && (named || groups.separator != ' '))
        return scan.add("PHONE", at, groups.end(groups.count), named ? 0.9 : 0.6, "us-phone");
    const bool date = groups.groups == 3 && groups.sizes[0] == 4 && groups.sizes[1] == 2;
    const bool decimal = groups.groups == 2 && groups.separator == '.';
    if (!named || date || decimal) return 0;
    return scan.add("PHONE", at, groups.end(groups.count), 0.75, "phone-context");
}

// Telegram: the bot's number, a colon and 35 characters that start with AA.
std::size_t scan_bot_token(Scan& scan, std::size_t at, const Groups& groups) {
    if (groups.groups == 0 || groups.sizes[0] < 8 || groups.sizes[0] > 10) return 0;
    std::size_t i = groups.end(groups.sizes[0]);
    if (scan.at(i) != ':' || scan.at(i + 1) != 'A' || scan.at(i + 2) != 'A') return 0;
    const std::size_t body = ++i;
    while (i < body + 36 && is_base64url(scan.at(i))) ++i;
    return i == body + 35 ? scan.add("API_KEY", at, i, 0.95, "prefix") : 0;
}

// Facebook: an application's number, a bar and 27 characters. Zoho: "1000", and twice 32 hexadecimal digits behind dots.
std::size_t scan_numbered_token(Scan& scan, std::size_t at, const Groups& groups) {
    const auto run = [&](std::size_t from, std::size_t most, auto fits) {
        std::size_t i = from;
        while (i < from + most && fits(scan.at(i))) ++i;
        return i;
    };
    const std::size_t first = groups.sizes[0];
    const std::size_t body = at + first + 1;
    if (first >= 13 && first <= 17 && scan.at(body - 1) == '|') {
        const std::size_t end = run(body, 28, is_base64url);
        if (end == body + 27 && looks_generated(scan.text.substr(body, 27))) return scan.add("API_KEY", at, end, 0.9, "prefix");
    }
    if (first == 4 && scan.at(body - 1) == '.' && scan.text.substr(at).starts_with("1000.")) {
        const std::size_t middle = run(body, 33, is_hex);
        if (middle != body + 32 || scan.at(middle) != '.') return 0;
        const std::size_t end = run(middle + 1, 33, is_hex);
        if (end == middle + 33) return scan.add("API_KEY", at, end, 0.9, "prefix");
    }
    return 0;
}

// The end of a number of one to four digits that nothing goes on with: no group, no mark of an address; it may be a house's at
// most. 0 when it is another. Most numbers of a text are such.
std::size_t end_of_lone_number(const Scan& scan, std::size_t at) {
    std::size_t end = at;
    while (end < at + 5 && is_digit(scan.at(end))) ++end;
    const char c = scan.at(end);
    if (end - at > 4 || is_alpha(c) || scan.names_aws()) return 0;
    const bool joins = c == ' ' || c == '.' || c == '/' || c == '(';
    if (!joins) return c == '-' || c == ':' || c == '\xc2' ? 0 : end;
    const char next = scan.at(end + 1);
    return is_digit(next) || is_upper(next) || (c == '.' && is_hex(next)) ? 0 : end;
}

}  // namespace

std::size_t scan_digits(Scan& scan, std::size_t at) {
    // One or two digits in the midst of a row of numbers begin nothing; rows of them may be long.
    const std::size_t size = is_digit(scan.at(at + 1)) ? (is_digit(scan.at(at + 2)) ? 3 : 2) : 1;
    const bool goes_on = at > 1 && is_digit(scan.text[at - 2]) && separator_at(scan.text, at - 1) == 1;
    if (goes_on && size < 3 && !is_alnum(scan.at(at + size))) return at + size;
    if (scan.near(Context::Iban, at, 8))
        if (const auto end = scan_bare_iban(scan, at)) return end;
    if (const std::size_t end = end_of_lone_number(scan, at)) {
        const bool street = scan.at(end) == ' ' || (at > 0 && scan.text[at - 1] == ' ');
        const std::size_t found = street ? scan_house_number(scan, at) : 0;
        return found > 0 ? found : end;
    }
    const Groups groups = read_groups(scan, at);
    if (const auto end = scan_card(scan, at, groups)) return end;
    if (const auto end = scan_social_security(scan, at, groups)) return end;
    if (const auto end = scan_bot_token(scan, at, groups)) return end;
    if (const auto end = scan_numbered_token(scan, at, groups)) return end;
    if (groups.separator == '.' || is_hex(scan.at(at + 1)) || scan.at(at + 2) == ':') {
        if (groups.sizes[0] <= 3 && scan.at(at + groups.sizes[0]) == '.')
            if (const auto end = scan_dotted(scan, at)) return end;
        if (const auto end = scan_colons(scan, at)) return end;
    }
    if (const auto end = scan_id(scan, at)) return end;
    if (const auto end = scan_phone(scan, at, groups)) return end;
    if (scan.near(Context::AwsKeyId, at, 200))
        if (const auto end = scan_aws_secret(scan, at)) return end;
    // Nothing starts here; a later group may still start something.
    std::size_t next = at + static_cast<std::size_t>(std::countr_one(scan.window(at).word));
    while (is_alnum(scan.at(next))) ++next;  // past 64
    if (next - at >= 26)
        if (const auto end = scan_wallet(scan, at, next)) return end;
    if (next - at <= 5)
        if (const auto end = scan_house_number(scan, at)) return end;
    return next;
}

std::size_t scan_parenthesis(Scan& scan, std::size_t at) {
    if (!is_digit(scan.at(at + 1)) || !is_digit(scan.at(at + 2)) || !is_digit(scan.at(at + 3)) ||
        scan.at(at + 4) != ')')
        return 0;
    const Groups rest = read_groups(scan, at + 5 + (scan.at(at + 5) == ' ' || scan.at(at + 5) == '-' ? 1U : 0U));
    const bool fits = rest.count == 7 && (rest.groups == 1 || (rest.groups == 2 && rest.sizes[0] == 3));
    if (!fits || scan.text[at + 1] < '2' || rest.characters[0] < '2' || !ends_number(scan, rest.end(rest.count))) return 0;
    return scan.add("PHONE", at, rest.end(rest.count), 0.8, "us-phone");
}

std::size_t scan_plus(Scan& scan, std::size_t at) {
    if (at > 0 && (is_alnum(scan.text[at - 1]) || scan.text[at - 1] == '+')) return 0;
    if (!is_digit(scan.at(at + 1)) || scan.at(at + 1) == '0') return 0;  // country codes start with 1 to 9
    std::size_t digits = 0;
    std::size_t end = at;
    bool separated = false;
    bool zero_in_parenthesis = false;
    for (std::size_t i = at + 1; i < at + 32; ++i) {
        const char c = scan.at(i);
        if (is_digit(c)) {
            ++digits;
            end = i + 1;
            continue;
        }
        if (c == '(' && scan.at(i + 1) == '0' && scan.at(i + 2) == ')') zero_in_parenthesis = true;
        const bool joins = c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '/';
        const char next = scan.at(i + 1);
        if (!joins || !(is_digit(next) || next == '(' || next == ')' || (c == ')' && (next == ' ' || next == '-'))))
            break;
        separated = true;
    }
    const std::size_t most = zero_in_parenthesis ? 16 : 15;
    if (digits < 8 || digits > most || is_alpha(scan.at(end))) return 0;
    if (!separated && digits < 10 && !scan.near(Context::Phone, at)) return 0;
    return scan.add("PHONE", at, end, 0.8, "e164");
}

}  // namespace sluice::policies::detail
