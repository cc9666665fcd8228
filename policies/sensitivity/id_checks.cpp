// Arithmetic shared by the checks, and those of numbers that belong to no single country.
#include "policies/sensitivity/id_checks.hpp"

#include "policies/sensitivity/scan.hpp"

#include <algorithm>

namespace sluice::policies::detail {

int digit_sum(std::string_view digits, std::string_view weights) {
    int sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) sum += (digits[i] - '0') * (weights[i] - '0');
    return sum;
}

int remainder_of(std::string_view digits, int modulus) {
    int rest = 0;
    for (const char c : digits) rest = (rest * 10 + (c - '0')) % modulus;
    return rest;
}

bool valid_date(int year, int month, int day) {
    constexpr std::array<int, 12> kDays{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1 || day > kDays[static_cast<std::size_t>(month) - 1]) return false;
    return year == 0 || month != 2 || day < 29 || year % 4 == 0;
}

bool verhoeff(std::string_view digits) {
    constexpr std::array<std::string_view, 10> kTimes{"0123456789", "1234067895", "2340178956", "3401289567",
                                                      "4012395678", "5987604321", "6598710432", "7659821043",
                                                      "8765932104", "9876543210"};
    constexpr std::array<std::string_view, 8> kPermuted{"0123456789", "1576283094", "5803796142", "8916043527",
                                                        "9453126870", "4286573901", "2793806415", "7046913258"};
    std::size_t check = 0;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        const auto digit = static_cast<std::size_t>(digits[digits.size() - 1 - i] - '0');
        check = static_cast<std::size_t>(kTimes[check][static_cast<std::size_t>(kPermuted[i % 8][digit] - '0')] - '0');
    }
    return check == 0;
}

bool iso7064_11_10(std::string_view digits) {
    int product = 10;
    for (const char c : digits.substr(0, digits.size() - 1)) {
        const int sum = (c - '0' + product) % 10;
        product = (sum == 0 ? 10 : sum) * 2 % 11;
    }
    return (11 - product) % 10 == digits.back() - '0';
}

bool all_equal(std::string_view digits) {
    return digits.find_first_not_of(digits[0]) == std::string_view::npos;
}

bool any_id(std::string_view id) {
    return !all_equal(id);
}

bool luhn_id(std::string_view id) {
    return !all_equal(id) && luhn(id);
}

bool mrz_731(std::string_view id) {
    int sum = 0;
    for (std::size_t i = 0; i + 1 < id.size(); ++i) {
        const int value = is_digit(id[i]) ? id[i] - '0' : is_upper(id[i]) ? id[i] - 'A' + 10 : 0;
        sum += value * (i % 3 == 0 ? 7 : i % 3 == 1 ? 3 : 1);
    }
    return is_digit(id.back()) && sum % 10 == id.back() - '0';
}

bool us_routing(std::string_view id) {
    const int first = (id[0] - '0') * 10 + (id[1] - '0');
    const bool issued = first <= 12 || (first >= 21 && first <= 32) || (first >= 61 && first <= 72) || first == 80;
    return issued && !all_equal(id) && digit_sum(id, "371371371") % 10 == 0;
}

bool vin(std::string_view id) {
    constexpr std::string_view kValues = "0123456789.ABCDEFGH..JKLMN.P.R..STUVWXYZ";
    constexpr std::array<int, 17> kWeights{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2};
    int sum = 0;
    if (std::ranges::count_if(id, is_upper) < 3) return false;  // a maker's code has letters
    for (std::size_t i = 0; i < id.size(); ++i) {
        const auto place = kValues.find(id[i]);
        if (place == std::string_view::npos || id[i] == '.') return false;
        sum += static_cast<int>(place % 10) * kWeights[i];
    }
    return id[8] == "0123456789X"[sum % 11];
}

}  // namespace sluice::policies::detail
