// International bank account numbers: registered country and length, check digits mod 97.
#include "policies/sensitivity/scan.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace sluice::policies::detail {

namespace {

// Registered lengths by country (ISO 13616 registry).
constexpr std::string_view kLengths =
    "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22GE"
    "22GI23GL18GR27GT28"
    "HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM"
    "23PK24PL28PS29PT25"
    "QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30";

constexpr std::size_t kLongest = 33;

// 0 for what is no country.
constexpr std::array<std::uint8_t, std::size_t{26} * 26> kLengthOf = [] {
    std::array<std::uint8_t, std::size_t{26} * 26> table{};
    for (std::size_t i = 0; i + 4 <= kLengths.size(); i += 4)
        table[static_cast<std::size_t>((kLengths[i] - 'A') * 26 + (kLengths[i + 1] - 'A'))] = static_cast<std::uint8_t>((kLengths[i + 2] - '0') * 10 + (kLengths[i + 3] - '0'));
    return table;
}();

std::size_t length_of(char first, char second) {
    return is_upper(first) && is_upper(second) ? kLengthOf[static_cast<std::size_t>((first - 'A') * 26 + (second - 'A'))] : 0;
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

// Bytes between two characters of a number that somebody wrote in groups or one by one; 0 when they do not belong together.
std::size_t gap_at(const Scan& scan, std::size_t at) {
    const char c = scan.at(at);
    if (c == '\xc2' && scan.at(at + 1) == '\xa0' && is_alnum(scan.at(at + 2))) return 2;
    return (c == ' ' || c == '-' || c == '.') && is_alnum(scan.at(at + 1)) ? 1 : 0;
}

struct Number {
    std::array<char, kLongest + 1> characters{};
    std::size_t size = 0;
    std::size_t end = 0;
    std::string_view text() const { return {characters.data(), size}; }
};

// Up to `most` letters and digits from `at` on.
Number read_number(const Scan& scan, std::size_t at, std::size_t most) {
    Number out;
    for (std::size_t i = at; out.size < most && is_alnum(scan.at(i));) {
        out.characters[out.size++] = to_upper(scan.text[i]);
        out.end = ++i;
        if (!is_alnum(scan.at(i))) i += gap_at(scan, i);
    }
    return out;
}

}  // namespace

bool may_begin_iban(const Scan& scan, std::size_t at) {
    if (!is_alpha(scan.at(at + 1))) return false;
    const std::size_t first = at + 2 + gap_at(scan, at + 2);
    return is_digit(scan.at(first)) && is_digit(scan.at(first + 1 + gap_at(scan, first + 1)));
}

std::size_t scan_iban(Scan& scan, std::size_t at) {
    const std::size_t length = length_of(to_upper(scan.text[at]), to_upper(scan.at(at + 1)));
    if (length == 0) return 0;
    // The check digits first: they turn most of what only looks like one away.
    const Number head = read_number(scan, at, 4);
    if (head.size < 4 || !is_digit(head.characters[2]) || !is_digit(head.characters[3])) return 0;
    const int check = (head.characters[2] - '0') * 10 + (head.characters[3] - '0');
    if (check < 2 || check > 98) return 0;
    const Number iban = read_number(scan, at, length);
    if (iban.size < length || is_alnum(scan.at(iban.end)) || !mod97(iban.text())) return 0;
    return scan.add("IBAN", at, iban.end, 0.95, "mod97");
}

std::size_t scan_bare_iban(Scan& scan, std::size_t at) {
    Number digits = read_number(scan, at, kLongest - 2);
    if (digits.size < 13 || is_alnum(scan.at(digits.end)) || std::ranges::any_of(digits.text(), is_alpha)) return 0;
    std::array<char, kLongest> iban{};
    std::copy_n(digits.characters.begin(), digits.size, iban.begin() + 2);
    for (std::size_t i = 0; i + 4 <= kLengths.size(); i += 4) {
        const auto length = static_cast<std::size_t>((kLengths[i + 2] - '0') * 10 + (kLengths[i + 3] - '0'));
        if (length != digits.size + 2) continue;
        iban[0] = kLengths[i];
        iban[1] = kLengths[i + 1];
        if (mod97({iban.data(), length})) return scan.add("IBAN", at, digits.end, 0.8, "mod97-digits");
    }
    return 0;
}

}  // namespace sluice::policies::detail
