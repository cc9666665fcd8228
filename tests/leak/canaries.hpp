// Made-up sensitive values, each of them once: what the leak tests plant in requests and look for everywhere else.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::testing {

using Random = std::mt19937_64;

enum class CanaryType : std::uint8_t {
    Email,
    Phone,
    Card,
    Iban,
    Ssn,
    OrgTerm,
    ApiKey,
    Password,
    PrivateKey,
    Jwt,
    UrlPassword
};
inline constexpr std::size_t kCanaryTypes = 11;

struct Canary {
    CanaryType type = CanaryType::Email;
    std::string value;   // what must not be seen: "4539 5787 6362 1486"
    std::string before;  // what a person writes around it: "SSN ", "the password is "
    std::string behind = {};
    bool never_sent = false;  // S4: not even masked
};

std::string_view to_string(CanaryType type);
Canary make_canary(CanaryType type, Random& random);
// The organization's words that canaries of type OrgTerm are; for the classifier's dictionary.
const std::vector<std::string>& org_terms();

// A sentence of one of many languages with "{}" where the canary goes.
const std::string& carrier(Random& random);

}  // namespace sluice::testing
