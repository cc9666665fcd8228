// International bank account numbers: registered country and length, check digits mod 97.
#include "policies/sensitivity/scan.hpp"

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

std::size_t length_of(char first, char second) {
    for (std::size_t i = 0; i + 4 <= kLengths.size(); i += 4)
        if (kLengths[i] == first && kLengths[i + 1] == second)
            return static_cast<std::size_t>((kLengths[i + 2] - '0') * 10 + (kLengths[i + 3] - '0'));
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

std::size_t scan_iban(Scan& scan, std::size_t at) {
    if (!is_alpha(scan.at(at + 1)) || !is_digit(scan.at(at + 2)) || !is_digit(scan.at(at + 3))) return 0;
    const std::size_t length = length_of(to_upper(scan.text[at]), to_upper(scan.text[at + 1]));
    const int check = (scan.at(at + 2) - '0') * 10 + (scan.at(at + 3) - '0');
    if (length == 0 || check < 2 || check > 98) return 0;
    std::array<char, kLongest> iban{};
    std::size_t size = 0;
    std::size_t i = at;
    for (; size < length; ++i) {
        const char c = scan.at(i);
        if (is_alnum(c)) iban[size++] = to_upper(c);
        else if ((c != ' ' && c != '-') || !is_alnum(scan.at(i + 1))) return 0;
    }
    if (is_alnum(scan.at(i)) || !mod97({iban.data(), length})) return 0;
    return scan.add("IBAN", at, i, 0.95, "mod97");
}

}  // namespace sluice::policies::detail
