// Numbers with a shape and a check: cards, US social security numbers, phones, IBANs.
#include <array>
#include <string>

#include "policies/sensitivity/detectors.hpp"

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

namespace {

int number(std::string_view digits) {
    int value = 0;
    for (const char c : digits) value = value * 10 + (c - '0');
    return value;
}

// Issuer ranges and the lengths they come in.
bool issuer_fits(std::string_view digits) {
    const std::size_t length = digits.size();
    const int two = number(digits.substr(0, 2));
    const int three = number(digits.substr(0, 3));
    const int four = number(digits.substr(0, 4));
    if (digits[0] == '4') return length == 13 || length == 16 || length == 19;
    if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) return length == 16;
    if (two == 34 || two == 37) return length == 15;
    if (four == 6011 || (three >= 644 && three <= 649) || two == 65 || two == 62) return length >= 16;
    if (four >= 3528 && four <= 3589) return length >= 16;
    if ((three >= 300 && three <= 305) || two == 36 || two == 38 || two == 39) return length >= 14;
    return false;
}

// Digits in groups joined by single separators, as people write long numbers.
struct Groups {
    static constexpr std::size_t kMostDigits = 40;
    std::string digits;
    std::array<std::size_t, kMostDigits> place{};  // byte of each digit
    std::array<bool, kMostDigits> ends_group{};
    std::size_t groups = 1;
    std::size_t end = 0;
};

// Length of a separator at `at`: space, hyphen, dot or a no-break space, 0 for none.
std::size_t separator(const Scan& scan, std::size_t at) {
    const char c = scan.at(at);
    if (c == ' ' || c == '-' || c == '.') return 1;
    return c == '\xc2' && scan.at(at + 1) == '\xa0' ? 2 : 0;
}

Groups read_groups(const Scan& scan, std::size_t at) {
    Groups out;
    std::size_t i = at;
    while (out.digits.size() < Groups::kMostDigits && is_digit(scan.at(i))) {
        out.place[out.digits.size()] = i;
        out.digits += scan.text[i++];
        out.end = i;
        const std::size_t gap = is_digit(scan.at(i)) ? 0 : separator(scan, i);
        if (gap > 0 && is_digit(scan.at(i + gap))) {
            out.ends_group[out.digits.size() - 1] = true;
            ++out.groups;
            i += gap;
        } else if (!is_digit(scan.at(i))) {
            out.ends_group[out.digits.size() - 1] = true;
        }
    }
    return out;
}

bool all_equal(std::string_view digits) { return digits.find_first_not_of(digits[0]) == std::string_view::npos; }

// The longest card that starts with the first digit and ends where a group ends.
std::size_t scan_card(const Scan& scan, const Groups& groups) {
    if (groups.digits.size() < 13) return 0;
    for (std::size_t length = std::min<std::size_t>(19, groups.digits.size()); length >= 13; --length) {
        if (!groups.ends_group[length - 1]) continue;
        const auto digits = std::string_view{groups.digits}.substr(0, length);
        const std::size_t end = groups.place[length - 1] + 1;
        if (!is_card(digits) || is_alpha(scan.at(end))) continue;
        const bool grouped = end - groups.place[0] > length;
        const double score = grouped ? 0.9 : 0.8;
        return scan.add("CREDIT_CARD", groups.place[0], end, score, "luhn");
    }
    return 0;
}

bool is_ssn(std::string_view digits) {
    const int area = number(digits.substr(0, 3));
    return area != 0 && area != 666 && area < 900 && digits.substr(3, 2) != "00" && digits.substr(5) != "0000";
}

// 123-45-6789, 123 45 6789, or nine digits behind words that say so.
std::size_t scan_ssn(const Scan& scan, const Groups& groups) {
    if (groups.digits.size() < 9 || !groups.ends_group[8]) return 0;
    const auto digits = std::string_view{groups.digits}.substr(0, 9);
    const std::size_t end = groups.place[8] + 1;
    if (!is_ssn(digits) || is_alnum(scan.at(end))) return 0;
    const bool shaped = groups.ends_group[2] && groups.ends_group[4] && !groups.ends_group[0] && !groups.ends_group[1] && !groups.ends_group[3] &&
                        !groups.ends_group[5] && !groups.ends_group[6] && !groups.ends_group[7] &&
                        groups.digits.size() == 9 && scan.at(groups.place[2] + 1) == scan.at(groups.place[4] + 1) && scan.at(groups.place[2] + 1) != '.';
    const bool named = scan.preceded_by(groups.place[0], "ssn social security ss#");
    const bool dashed = shaped && scan.at(groups.place[2] + 1) == '-';
    if (!(dashed || (named && (shaped || groups.groups == 1)))) return 0;
    return scan.add("US_SSN", groups.place[0], end, named ? 0.95 : 0.75, "ssn-rules");
}

// (212) 555-0134, 212-555-0134, 212.555.0134; other groupings of 7 to 15 digits only behind words that say phone.
std::size_t scan_phone(const Scan& scan, std::size_t begin, const Groups& groups, bool parenthesis) {
    const std::size_t count = groups.digits.size();
    const bool named = scan.preceded_by(begin, "phone tel telephone call mobile cell fax whatsapp telefon handy sms");
    const auto starts_well = [&](std::size_t i) { return groups.digits[i] >= '2'; };
    const bool us = count == 10 && groups.groups == 3 && groups.ends_group[2] && groups.ends_group[5] && starts_well(0) && starts_well(3);
    const bool us_parenthesis = parenthesis && count == 10 && starts_well(0) && starts_well(3);
    if (us || us_parenthesis) return scan.add("PHONE", begin, groups.end, named ? 0.9 : 0.6, "us-phone");
    if (named && count >= 7 && count <= 15 && !is_alnum(scan.at(groups.end))) return scan.add("PHONE", begin, groups.end, 0.75, "phone-context");
    return 0;
}

// Registered lengths by country (ISO 13616 registry).
constexpr std::string_view kIbanLengths =
    "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28"
    "HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25"
    "QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30";

std::size_t iban_length(char first, char second) {
    for (std::size_t i = 0; i + 4 <= kIbanLengths.size(); i += 4)
        if (kIbanLengths[i] == first && kIbanLengths[i + 1] == second)
            return static_cast<std::size_t>((kIbanLengths[i + 2] - '0') * 10 + (kIbanLengths[i + 3] - '0'));
    return 0;
}

// ISO 7064 mod 97-10 over the rearranged number; letters count 10 to 35.
bool mod97(std::string_view iban) {
    unsigned remainder = 0;
    for (std::size_t i = 0; i < iban.size(); ++i) {
        const char c = iban[(i + 4) % iban.size()];
        if (is_digit(c)) remainder = (remainder * 10 + static_cast<unsigned>(c - '0')) % 97;
        else remainder = (remainder * 100 + static_cast<unsigned>(c - 'A' + 10)) % 97;
    }
    return remainder == 1;
}

}  // namespace

bool is_card(std::string_view digits) { return issuer_fits(digits) && !all_equal(digits) && luhn(digits); }

std::size_t scan_digits(const Scan& scan, std::size_t at) {
    const bool parenthesis = scan.text[at] == '(';
    const std::size_t begin = at;
    if (parenthesis) {
        // "(212) 555-0134": three digits, a closing parenthesis, the rest.
        if (!is_digit(scan.at(at + 1)) || !is_digit(scan.at(at + 2)) || !is_digit(scan.at(at + 3)) || scan.at(at + 4) != ')') return at;
        const std::size_t rest_at = at + 5 + (scan.at(at + 5) == ' ' ? 1 : 0);
        Groups rest = read_groups(scan, rest_at);
        if (rest.digits.size() != 7) return at;
        rest.digits.insert(0, scan.text.substr(at + 1, 3));
        const std::size_t end = scan_phone(scan, begin, rest, true);
        return end != 0 ? end : at;
    }
    const Groups groups = read_groups(scan, at);
    if (const std::size_t end = scan_card(scan, groups)) return end;
    if (const std::size_t end = scan_ssn(scan, groups)) return end;
    if (const std::size_t end = scan_phone(scan, begin, groups, false)) return end;
    // Nothing starts here; a later group may still start a card, so only this group is skipped.
    std::size_t next = at;
    while (is_digit(scan.at(next))) ++next;
    return next;
}

std::size_t scan_plus(const Scan& scan, std::size_t at) {
    if (at > 0 && (is_alnum(scan.text[at - 1]) || scan.text[at - 1] == '+')) return at;
    std::size_t digits = 0;
    std::size_t end = at;
    std::size_t i = at + 1;
    if (scan.at(i) == '0') return at;  // country codes start with 1 to 9
    for (; i < at + 32; ++i) {
        const char c = scan.at(i);
        if (is_digit(c)) {
            ++digits;
            end = i + 1;
        } else if (c != ' ' && c != '-' && c != '.' && c != '(' && c != ')' && c != '/') {
            break;
        } else if (!is_digit(scan.at(i + 1)) && scan.at(i + 1) != '(' && scan.at(i + 1) != ' ' && scan.at(i + 1) != ')') {
            break;
        }
    }
    if (digits < 8 || digits > 15 || is_alpha(scan.at(end))) return at;
    return scan.add("PHONE", at, end, 0.8, "e164");
}

std::size_t scan_iban(const Scan& scan, std::size_t at) {
    if (!is_alpha(scan.at(at + 1)) || !is_digit(scan.at(at + 2)) || !is_digit(scan.at(at + 3))) return at;
    const auto upper = [](char c) { return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c; };
    const std::size_t length = iban_length(upper(scan.text[at]), upper(scan.text[at + 1]));
    if (length == 0) return at;
    std::string iban;
    std::size_t i = at;
    for (; iban.size() < length; ++i) {
        const char c = scan.at(i);
        if (is_alnum(c)) iban += upper(c);
        else if ((c != ' ' && c != '-') || !is_alnum(scan.at(i + 1))) return at;
    }
    if (is_alnum(scan.at(i)) || !mod97(iban)) return at;
    return scan.add("IBAN", at, i, 0.95, "mod97");
}

}  // namespace sluice::policies::detail
