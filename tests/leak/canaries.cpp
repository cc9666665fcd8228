#include "tests/leak/canaries.hpp"

#include <array>

namespace sluice::testing {

namespace {

std::string pick(std::string_view alphabet, std::size_t count, Random& random) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += alphabet[random() % alphabet.size()];
    return out;
}

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kNonZero = "123456789";
constexpr std::string_view kAlnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

std::string luhn_completed(std::string digits) {
    int sum = 0;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        int digit = digits[digits.size() - 1 - i] - '0';
        if (i % 2 == 0) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        sum += digit;
    }
    return digits + static_cast<char>('0' + (10 - sum % 10) % 10);
}

std::string german_iban(Random& random) {
    const std::string account = pick(kNonZero, 1, random) + pick(kDigits, 17, random);
    int rest = 0;
    for (const char c : account + "131400") rest = (rest * 10 + (c - '0')) % 97;  // "DE00" behind the account
    const int check = 98 - rest;
    std::string plain = "DE" + std::string(check < 10 ? "0" : "") + std::to_string(check) + account;
    std::string out;
    for (std::size_t i = 0; i < plain.size(); ++i) {
        if (i > 0 && i % 4 == 0) out += ' ';
        out += plain[i];
    }
    return out;
}

std::string mixed_secret(std::size_t size, Random& random) {
    std::string out = pick(kAlnum, size, random);
    out[1] = 'x';
    out[2] = '7';
    out[4] = 'Q';
    return out;
}

std::string api_key(Random& random) {
    switch (random() % 6) {
        case 0: return "AKIA" + pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16, random);
        case 1: return "ghp_" + pick(kAlnum, 36, random);
        case 2: return "sk_live_" + mixed_secret(24, random);
        case 3: return "glpat-" + mixed_secret(20, random);
        case 4: return "npm_" + pick(kAlnum, 36, random);
        default: return "xoxb-" + pick("0123456789", 12, random) + "-" + pick("0123456789", 12, random) + "-" + pick(kAlnum, 24, random);
    }
}

}  // namespace

std::string_view to_string(CanaryType type) {
    constexpr std::array<std::string_view, kCanaryTypes> kNames{"email",       "phone",    "card",        "iban",
                                                                "ssn",         "org term", "api key",     "password",
                                                                "private key", "jwt",      "url password"};
    return kNames.at(static_cast<std::size_t>(type));
}

const std::vector<std::string>& org_terms() {
    static const std::vector<std::string> terms = [] {
        std::vector<std::string> out;
        Random random{4711};
        for (int i = 0; i < 500; ++i)
            out.push_back("Zq" + pick(kLower, 7, random) + " " + "Vx" + pick(kLower, 6, random));
        return out;
    }();
    return terms;
}

Canary make_canary(CanaryType type, Random& random) {
    switch (type) {
        case CanaryType::Email:
            return {
                type,
                "q" + pick(kLower, 9, random) + "." + pick(kLower, 4, random) + "@" + pick(kLower, 8, random) + ".net",
                ""};
        case CanaryType::Phone:
            return {type, "+49 30 " + pick(kNonZero, 4, random) + " " + pick(kDigits, 4, random), "phone "};
        case CanaryType::Card: {
            const std::string digits = luhn_completed("45" + pick(kDigits, 13, random));
            return {
                type,
                digits.substr(0, 4) + " " + digits.substr(4, 4) + " " + digits.substr(8, 4) + " " + digits.substr(12),
                "card "};
        }
        case CanaryType::Iban: return {type, german_iban(random), "IBAN "};
        case CanaryType::Ssn:
            return {type,
                    "5" + pick(kNonZero, 2, random) + "-" + pick(kNonZero, 2, random) + "-" + pick(kNonZero, 4, random),
                    "SSN "};
        case CanaryType::OrgTerm: return {type, org_terms()[random() % org_terms().size()], ""};
        case CanaryType::ApiKey: return {type, api_key(random), "key ", "", true};
        case CanaryType::Password: return {type, mixed_secret(12, random) + "!z", "the password is ", "", true};
        case CanaryType::PrivateKey:
            return {type,
                    "-----BEGIN RSA PRIVATE KEY-----\nMIIE" + pick(kAlnum, 60, random) + "\n" +
                        pick(kAlnum, 64, random) + "\n-----END RSA PRIVATE KEY-----",
                    "", "", true};
        case CanaryType::Jwt:
            return {type,
                    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI" + pick(kAlnum, 24, random) + "." +
                        pick(kAlnum, 43, random),
                    "token ", "", true};
        case CanaryType::UrlPassword:
            return {type,
                    "postgres://svc:" + mixed_secret(14, random) + "@db" + pick(kDigits, 5, random) + ".corp.net/app",
                    "", "", true};
    }
    return {};
}

const std::string& carrier(Random& random) {
    static const std::vector<std::string> carriers{"Please look at {} and answer briefly.",
                                                   "{}",
                                                   "See:\n- {}\n- and that is all",
                                                   "Bitte prüfen Sie {} bis morgen.",
                                                   "Merci de vérifier {} avant demain.",
                                                   "Por favor, revise {} hoy.",
                                                   "Controlla {} per favore.",
                                                   "Sprawdź {} jeszcze dziś.",
                                                   "Пожалуйста, проверьте {} сегодня.",
                                                   "请检查 {} 谢谢。",
                                                   "こちら {} を確認してください。",
                                                   "확인해 주세요 {} 감사합니다.",
                                                   "من فضلك تحقق من {} اليوم",
                                                   "कृपया {} की जाँच करें।",
                                                   "Kontroller {} i dag, tak.",
                                                   "Lütfen {} kontrol edin.",
                                                   "<p>{}</p>",
                                                   "| name | value |\n|---|---|\n| x | {} |",
                                                   "```\n{}\n```",
                                                   "😀 {} 👩‍👧"};
    return carriers[random() % carriers.size()];
}

}  // namespace sluice::testing
