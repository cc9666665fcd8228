#include "policies/sensitivity/id_checks.hpp"
#include "policies/sensitivity/scan.hpp"

#include <string>

namespace sluice::policies::detail {

namespace {

int at(std::string_view id, std::size_t i) {
    return id[i] - '0';
}
int two(std::string_view id, std::size_t i) {
    return at(id, i) * 10 + at(id, i + 1);
}
std::size_t index(int value) {
    return static_cast<std::size_t>(value);
}
// Weights above nine: "10" is written ':' (one behind '9').
bool mod11_last(std::string_view id, std::string_view weights, int ten) {
    const int check = (11 - digit_sum(id, weights) % 11) % 11;
    return (check == 10 ? ten : check) == at(id, id.size() - 1);
}
bool ddmmyy(std::string_view id) {
    return valid_date(0, two(id, 2), two(id, 0));
}

}  // namespace

bool gb_nhs(std::string_view id) {
    return !all_equal(id) && mod11_last(id, ":98765432", -1);
}
bool gb_nino(std::string_view id) {
    constexpr std::string_view kNotFirst = "DFIQUV";
    constexpr std::string_view kNotSecond = "DFIOQUV";
    if (kNotFirst.find(id[0]) != std::string_view::npos || kNotSecond.find(id[1]) != std::string_view::npos) return false;
    const auto prefix = id.substr(0, 2);
    for (const std::string_view never : {"BG", "GB", "NK", "KN", "TN", "NT", "ZZ"})
        if (prefix == never) return false;
    return id.back() >= 'A' && id.back() <= 'D';
}
bool gb_utr(std::string_view id) {
    constexpr std::string_view kCheck = "21987654321";
    return !all_equal(id) && kCheck[index(digit_sum(id.substr(1), "6789:5432") % 11)] == id[0];
}
bool ie_pps(std::string_view id) {
    int sum = digit_sum(id, "8765432");
    if (id.size() == 9 && id[8] != 'W') sum += (id[8] - 'A' + 1) * 9;
    return "WABCDEFGHIJKLMNOPQRSTUV"[sum % 23] == id[7];
}
bool fr_nir(std::string_view id) {
    std::string digits{id};
    if (std::string_view{"123478"}.find(id[0]) == std::string_view::npos) return false;
    const int month = two(id, 3);
    if (!((month >= 1 && month <= 12) || (month >= 20 && month <= 42) || month >= 50)) return false;
    if (id[5] == '2' && (id[6] == 'A' || id[6] == 'B')) digits[5] = '1', digits[6] = id[6] == 'A' ? '9' : '8';
    for (const char c : digits)
        if (!is_digit(c)) return false;
    return 97 - remainder_of(std::string_view{digits}.substr(0, 13), 97) == two(digits, 13);
}
bool de_tax(std::string_view id) {
    if (id[0] == '0') return false;
    std::array<int, 10> count{};
    for (const char c : id.substr(0, 10)) ++count[index(c - '0')];
    const auto repeated = std::ranges::count_if(count, [](int n) { return n > 1; });
    return repeated <= 2 && std::ranges::none_of(count, [](int n) { return n > 3; }) && iso7064_11_10(id);
}
bool de_pension(std::string_view id) {
    const int day = two(id, 2) > 50 ? two(id, 2) - 50 : two(id, 2);
    if (!valid_date(0, two(id, 4), day) || !is_upper(id[8])) return false;
    const int letter = id[8] - 'A' + 1;
    const std::string digits = std::string{id.substr(0, 8)} + static_cast<char>('0' + letter / 10) +
                               static_cast<char>('0' + letter % 10) + std::string{id.substr(9, 2)};
    constexpr std::string_view kWeights = "212571212121";
    int sum = 0;
    for (std::size_t i = 0; i < kWeights.size(); ++i) {
        const int product = (digits[i] - '0') * (kWeights[i] - '0');
        sum += product / 10 + product % 10;
    }
    return sum % 10 == at(id, 11);
}
bool at_svnr(std::string_view id) {
    const int sum = digit_sum(id, "379") + digit_sum(id.substr(4), "584216");
    return id[0] != '0' && two(id, 6) <= 13 && two(id, 4) >= 1 && two(id, 4) <= 31 && sum % 11 == at(id, 3);
}
bool ch_ahv(std::string_view id) {
    return id.starts_with("756") && (10 - digit_sum(id, "131313131313") % 10) % 10 == at(id, 12);
}
bool es_dni(std::string_view id) {
    return "TRWAGMYFPDXBNJZSQVHLCKE"[remainder_of(id.substr(0, 8), 23)] == id[8];
}
bool es_nie(std::string_view id) {
    if (id[0] < 'X' || id[0] > 'Z') return false;
    return es_dni(std::string(1, static_cast<char>('0' + (id[0] - 'X'))) + std::string{id.substr(1)});
}
bool es_cif(std::string_view id) {
    if (std::string_view{"ABCDEFGHJNPQRSUVW"}.find(id[0]) == std::string_view::npos) return false;
    int sum = 0;
    for (std::size_t i = 1; i < 8; ++i) {
        const int value = at(id, i) * (i % 2 == 1 ? 2 : 1);
        sum += value / 10 + value % 10;
    }
    const int check = (10 - sum % 10) % 10;
    return id[8] == "JABCDEFGHI"[check] || id[8] == '0' + check;
}
bool pt_nif(std::string_view id) {
    return std::string_view{"1235689"}.find(id[0]) != std::string_view::npos && !all_equal(id) &&
           (mod11_last(id, "98765432", 0));
}
bool it_cf(std::string_view id) {
    // Values at odd places, for 0-9 and A-Z.
    constexpr std::array<int, 26> kOdd{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23};
    if (std::string_view{"ABCDEHLMPRST"}.find(id[8]) == std::string_view::npos) return false;
    int sum = 0;
    for (std::size_t i = 0; i < 15; ++i) {
        const int value = is_digit(id[i]) ? id[i] - '0' : id[i] - 'A';
        sum += i % 2 == 0 ? kOdd[index(value)] : value;
    }
    return id[15] == 'A' + sum % 26;
}
bool nl_bsn(std::string_view id) {
    return !all_equal(id) && (digit_sum(id, "98765432") - at(id, 8)) % 11 == 0;
}
bool be_nn(std::string_view id) {
    const int month = two(id, 2) % 20;
    if (month > 12 || two(id, 4) > 31) return false;
    const int check = two(id, 9);
    const auto body = std::string{id.substr(0, 9)};
    return 97 - remainder_of(body, 97) == check || 97 - remainder_of("2" + body, 97) == check;
}
bool lu_nin(std::string_view id) {
    return valid_date(0, two(id, 4), two(id, 6)) && luhn(id.substr(0, 12)) &&
           verhoeff(std::string{id.substr(0, 11)} + id[12]);
}
bool dk_cpr(std::string_view id) {
    return ddmmyy(id);
}
bool se_pnr(std::string_view id) {
    const auto ten = id.substr(id.size() - 10);
    const int day = two(ten, 4) > 60 ? two(ten, 4) - 60 : two(ten, 4);
    return valid_date(0, two(ten, 2), day) && luhn(ten);
}
bool no_fnr(std::string_view id) {
    const int day = at(id, 0) >= 4 ? two(id, 0) - 40 : two(id, 0);
    const int month = at(id, 2) >= 4 ? two(id, 2) - 40 : two(id, 2);
    return valid_date(0, month, day) && (digit_sum(id, "3761894521")) % 11 == 0 && digit_sum(id, "54327654321") % 11 == 0;
}
bool fi_hetu(std::string_view id) {
    // Compact forms: ddmmyyNNNC (the sign was a hyphen) or ddmmyySNNNC.
    const std::size_t serial = id.size() == 11 ? 7 : 6;
    if (id.size() == 11 && std::string_view{"ABCDEFUVWXY"}.find(id[6]) == std::string_view::npos) return false;
    for (std::size_t i = serial; i < serial + 3; ++i)
        if (!is_digit(id[i])) return false;
    const int value = remainder_of(std::string{id.substr(0, 6)} + std::string{id.substr(serial, 3)}, 31);
    return ddmmyy(id) && "0123456789ABCDEFHJKLMNPRSTUVWXY"[value] == id.back();
}
bool is_kt(std::string_view id) {
    const int day = at(id, 0) >= 4 ? two(id, 0) - 40 : two(id, 0);
    const int check = (11 - digit_sum(id, "32765432") % 11) % 11;
    return valid_date(0, two(id, 2), day) && (id[9] == '9' || id[9] == '0' || id[9] == '8') && check == at(id, 8);
}
bool baltic(std::string_view id) {
    if (at(id, 0) < 1 || at(id, 0) > 8 || !valid_date(0, two(id, 3), two(id, 5))) return false;
    int check = digit_sum(id, "1234567891") % 11;
    if (check == 10) check = digit_sum(id, "3456789123") % 11 % 10;
    return check == at(id, 10);
}
bool lv_pk(std::string_view id) {
    if (id.starts_with("32")) return true;
    const int check = (1101 - digit_sum(id, "16379:5842")) % 11 % 10;
    return ddmmyy(id) && check == at(id, 10);
}
bool pl_pesel(std::string_view id) {
    return valid_date(0, two(id, 2) % 20, two(id, 4)) && (10 - digit_sum(id, "1379137913") % 10) % 10 == at(id, 10);
}
bool pl_nip(std::string_view id) {
    return !all_equal(id) && digit_sum(id, "657234567") % 11 == at(id, 9);
}
bool pl_regon(std::string_view id) {
    return !all_equal(id) && digit_sum(id, "89234567") % 11 % 10 == at(id, 8);
}
bool cz_rc(std::string_view id) {
    int month = two(id, 2);
    if (month > 70) month -= 70;
    else if (month > 50) month -= 50;
    else if (month > 20) month -= 20;
    return valid_date(0, month, two(id, 4)) && (id.size() == 9 || remainder_of(id, 11) == 0);
}
bool hu_taj(std::string_view id) {
    return !all_equal(id) && digit_sum(id, "37373737") % 10 == at(id, 8);
}
bool hu_tax(std::string_view id) {
    return id[0] == '8' && digit_sum(id, "123456789") % 11 == at(id, 9);
}
bool ro_cnp(std::string_view id) {
    const int check = digit_sum(id, "279146358279") % 11;
    return id[0] != '0' && valid_date(0, two(id, 3), two(id, 5)) && (check == 10 ? 1 : check) == at(id, 12);
}
bool bg_egn(std::string_view id) {
    return valid_date(0, two(id, 2) % 20, two(id, 4)) && digit_sum(id, "2485:9736") % 11 % 10 == at(id, 9);
}
bool gr_amka(std::string_view id) {
    return ddmmyy(id) && luhn(id);
}
bool gr_afm(std::string_view id) {
    int sum = 0;
    for (std::size_t i = 0; i < 8; ++i) sum += at(id, i) << (8U - i);
    return !all_equal(id) && sum % 11 % 10 == at(id, 8);
}
bool jmbg(std::string_view id) {
    const int check = (11 - digit_sum(id, "765432765432") % 11) % 11;
    return ddmmyy(id) && (id[4] == '9' || id[4] == '0' || id[4] == '8') && check % 10 == at(id, 12);
}
bool tr_tckn(std::string_view id) {
    const int odd = at(id, 0) + at(id, 2) + at(id, 4) + at(id, 6) + at(id, 8);
    const int even = at(id, 1) + at(id, 3) + at(id, 5) + at(id, 7);
    return id[0] != '0' && ((odd * 7 - even) % 10 + 10) % 10 == at(id, 9) &&
           digit_sum(id, "1111111111") % 10 == at(id, 10);
}
bool ru_inn(std::string_view id) {
    if (all_equal(id)) return false;
    if (id.size() == 10) return digit_sum(id, "24:359468") % 11 % 10 == at(id, 9);
    return digit_sum(id, "724:359468") % 11 % 10 == at(id, 10) && digit_sum(id, "3724:359468") % 11 % 10 == at(id, 11);
}
bool ru_snils(std::string_view id) {
    return !all_equal(id) && digit_sum(id, "987654321") % 101 % 100 == two(id, 9);
}
bool ua_rnokpp(std::string_view id) {
    const int sum = digit_sum(id.substr(1), "57946:57") - at(id, 0);
    return !all_equal(id) && (sum % 11 + 11) % 11 % 10 == at(id, 9);
}

}  // namespace sluice::policies::detail
