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
int four(std::string_view id, std::size_t i) {
    return two(id, i) * 100 + two(id, i + 2);
}
// 0-9, then A = 10.
int value36(char c) {
    return is_digit(c) ? c - '0' : c - 'A' + 10;
}
// The check digit of national numbers that count 11 - sum mod 11, where ten and eleven become zero.
int mod11(std::string_view id, std::string_view weights) {
    const int check = 11 - digit_sum(id, weights) % 11;
    return check > 9 ? 0 : check;
}

}  // namespace

bool us_itin(std::string_view id) {
    const int group = two(id, 3);
    return id[0] == '9' && ((group >= 50 && group <= 65) || (group >= 70 && group <= 88) ||
                            (group >= 90 && group != 93));
}
bool us_npi(std::string_view id) {
    return (id[0] == '1' || id[0] == '2') && luhn("80840" + std::string{id});
}
bool us_dea(std::string_view id) {
    const auto d = id.substr(2);
    return (at(d, 0) + at(d, 2) + at(d, 4) + 2 * (at(d, 1) + at(d, 3) + at(d, 5))) % 10 == at(d, 6);
}
bool us_mbi(std::string_view id) {
    constexpr std::string_view kGrid = "1AXNAXNAANN";  // 1: 1-9, N: digit, A: letter, X: both
    constexpr std::string_view kNever = "SLOIBZ";
    for (std::size_t i = 0; i < kGrid.size(); ++i) {
        const bool letter = is_upper(id[i]) && kNever.find(id[i]) == std::string_view::npos;
        const bool digit = is_digit(id[i]) && (kGrid[i] != '1' || id[i] != '0');
        const bool fits = kGrid[i] == 'A' ? letter : kGrid[i] == 'X' ? letter || digit : digit;
        if (!fits) return false;
    }
    return true;
}
bool ca_sin(std::string_view id) {
    return id[0] != '0' && id[0] != '8' && luhn_id(id);
}
bool il_id(std::string_view id) {
    return luhn_id(id);
}
bool sa_id(std::string_view id) {
    return (id[0] == '1' || id[0] == '2') && luhn(id);
}
bool ae_id(std::string_view id) {
    return id.starts_with("784") && luhn(id);
}
bool za_id(std::string_view id) {
    return valid_date(0, two(id, 2), two(id, 4)) && (id[10] == '0' || id[10] == '1') && luhn(id);
}
bool in_aadhaar(std::string_view id) {
    return id[0] > '1' && !all_equal(id) && verhoeff(id);
}
bool in_pan(std::string_view id) {
    return std::string_view{"ABCFGHJLPTKE"}.find(id[3]) != std::string_view::npos;
}
bool in_gstin(std::string_view id) {
    if (two(id, 0) < 1 || two(id, 0) > 38 || id[13] != 'Z') return false;
    int sum = 0;
    for (std::size_t i = 0; i < 14; ++i) {
        const int product = value36(id[i]) * (i % 2 == 0 ? 1 : 2);
        sum += product / 36 + product % 36;
    }
    return (36 - sum % 36) % 36 == value36(id[14]);
}
bool cn_id(std::string_view id) {
    if (two(id, 0) < 11 || two(id, 0) > 91 || four(id, 6) < 1900 || four(id, 6) > 2099) return false;
    constexpr std::array<int, 17> kWeights{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    for (std::size_t i = 0; i < 17; ++i) sum += at(id, i) * kWeights[i];
    return valid_date(0, two(id, 10), two(id, 12)) && "10X98765432"[sum % 11] == id[17];
}
bool tw_id(std::string_view id) {
    constexpr std::string_view kLetters = "ABCDEFGHJKLMNPQRSTUVXYWZIO";  // A counts 10
    const auto place = static_cast<int>(kLetters.find(id[0])) + 10;
    const bool known = id[1] == '1' || id[1] == '2' || id[1] == '8' || id[1] == '9';
    return known && (place / 10 + place % 10 * 9 + digit_sum(id.substr(1), "876543211")) % 10 == 0;
}
bool hk_id(std::string_view id) {
    const bool two_letters = is_upper(id[1]);
    int sum = two_letters ? value36(id[0]) * 9 + value36(id[1]) * 8 : 36 * 9 + value36(id[0]) * 8;
    sum += digit_sum(id.substr(two_letters ? 2 : 1), "765432");
    const int check = (11 - sum % 11) % 11;
    return id.back() == (check == 10 ? 'A' : static_cast<char>('0' + check));
}
bool kr_rrn(std::string_view id) {
    // Numbers given since October 2020 end in random digits: the date has to do.
    return valid_date(0, two(id, 2), two(id, 4)) && id[6] >= '0' && id[6] <= '9' &&
           ((11 - digit_sum(id, "234567892345") % 11) % 10 == at(id, 12) || (two(id, 0) >= 20 && id[6] >= '3'));
}
bool jp_my_number(std::string_view id) {
    const int rest = digit_sum(id, "65432765432") % 11;
    return !all_equal(id) && (rest <= 1 ? 0 : 11 - rest) == at(id, 11);
}
bool sg_nric(std::string_view id) {
    int sum = digit_sum(id.substr(1), "2765432");
    if (id[0] == 'T' || id[0] == 'G') sum += 4;
    if (id[0] == 'M') sum += 3;
    const auto place = static_cast<std::size_t>(sum % 11);
    if (id[0] == 'S' || id[0] == 'T') return "JZIHGFEDCBA"[place] == id[8];
    if (id[0] == 'F' || id[0] == 'G') return "XWUTRQPNMLK"[place] == id[8];
    return id[0] == 'M' && ("KLJNPQRTUWX"[10 - place] == id[8] || "XWUTRQPNJLK"[place] == id[8]);
}
bool my_nric(std::string_view id) {
    const int place = two(id, 6);
    return valid_date(0, two(id, 2), two(id, 4)) && place != 0 && place != 17 && place != 18 && place != 19 && place != 20;
}
bool th_id(std::string_view id) {
    constexpr std::string_view kWeights = "=<;:98765432";  // 13 down to 2
    return id[0] != '0' && (11 - digit_sum(id, kWeights) % 11) % 10 == at(id, 12);
}
bool id_nik(std::string_view id) {
    const int day = two(id, 6) > 40 ? two(id, 6) - 40 : two(id, 6);
    return two(id, 0) >= 11 && two(id, 0) <= 97 && valid_date(0, two(id, 8), day);
}
bool au_tfn(std::string_view id) {
    if (all_equal(id)) return false;
    return digit_sum(id, id.size() == 9 ? "14375869:" : ":7846351") % 11 == 0;
}
bool au_medicare(std::string_view id) {
    return id[0] >= '2' && id[0] <= '6' && digit_sum(id, "13791379") % 10 == at(id, 8);
}
bool au_abn(std::string_view id) {
    constexpr std::array<int, 11> kWeights{10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19};
    int sum = -10;
    for (std::size_t i = 0; i < 11; ++i) sum += at(id, i) * kWeights[i];
    return id[0] != '0' && sum % 89 == 0;
}
bool au_acn(std::string_view id) {
    return !all_equal(id) && (10 - digit_sum(id, "87654321") % 10) % 10 == at(id, 8);
}
bool nz_ird(std::string_view id) {
    const std::string nine = id.size() == 8 ? "0" + std::string{id} : std::string{id};
    if (all_equal(nine)) return false;
    int check = (11 - digit_sum(nine, "32765432") % 11) % 11;
    if (check == 10) check = (11 - digit_sum(nine, "74325276") % 11) % 11;
    return check == at(nine, 8);
}
bool br_cpf(std::string_view id) {
    return !all_equal(id) && mod11(id, ":98765432") == at(id, 9) && mod11(id, ";:98765432") == at(id, 10);
}
bool br_cnpj(std::string_view id) {
    return !all_equal(id) && mod11(id, "543298765432") == at(id, 12) && mod11(id, "6543298765432") == at(id, 13);
}
bool mx_curp(std::string_view id) {
    // Ñ would sit between N and O: letters behind it count one more.
    const auto value = [](char c) { return value36(c) + (c > 'N' ? 1 : 0); };
    if (!valid_date(0, two(id, 6), two(id, 8)) || (id[10] != 'H' && id[10] != 'M' && id[10] != 'X')) return false;
    int sum = 0;
    for (std::size_t i = 0; i < 17; ++i) sum += value(id[i]) * (18 - static_cast<int>(i));
    return is_digit(id[17]) && (10 - sum % 10) % 10 == at(id, 17);
}
bool mx_rfc(std::string_view id) {
    const std::size_t date = id.size() - 9;
    return valid_date(0, two(id, date + 2), two(id, date + 4));
}
bool ar_cuit(std::string_view id) {
    const int kind = two(id, 0);
    const bool known = kind == 20 || (kind >= 23 && kind <= 27) || kind == 30 || kind == 33 || kind == 34;
    const int check = 11 - digit_sum(id, "5432765432") % 11;
    return known && (check == 11 ? 0 : check == 10 ? 9 : check) == at(id, 10);
}
bool cl_rut(std::string_view id) {
    const auto body = id.substr(0, id.size() - 1);
    int sum = 0;
    int weight = 2;
    for (auto it = body.rbegin(); it != body.rend(); ++it, weight = weight == 7 ? 2 : weight + 1)
        sum += (*it - '0') * weight;
    return !all_equal(body) && "0123456789K0"[11 - sum % 11] == id.back();
}
bool co_nit(std::string_view id) {
    constexpr std::array<int, 9> kWeights{41, 37, 29, 23, 19, 17, 13, 7, 3};
    int sum = 0;
    for (std::size_t i = 0; i < 9; ++i) sum += at(id, i) * kWeights[i];
    const int rest = sum % 11;
    return !all_equal(id) && (rest > 1 ? 11 - rest : rest) == at(id, 9);
}
bool ec_ci(std::string_view id) {
    const int province = two(id, 0);
    if (!((province >= 1 && province <= 24) || province == 30) || at(id, 2) > 6) return false;
    return luhn_id(id);
}
bool uy_ci(std::string_view id) {
    return !all_equal(id) && (10 - digit_sum(id, "2987634") % 10) % 10 == at(id, 7);
}

}  // namespace sluice::policies::detail
