#include "policies/sensitivity/validators.hpp"

#include "policies/sensitivity/bytes.hpp"
#include "policies/sensitivity/id_rules.hpp"
#include "policies/sensitivity/scan.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::policies {

namespace {

constexpr std::size_t kLongest = 64;  // of a value without separators; no number with a check is longer

bool digits_only(std::string_view compact) {
    return compact.size() >= 2 && std::ranges::all_of(compact, detail::is_digit);
}

bool luhn(std::string_view compact) {
    return digits_only(compact) && !detail::all_equal(compact) && detail::luhn(compact);
}
bool verhoeff(std::string_view compact) {
    return digits_only(compact) && !detail::all_equal(compact) && detail::verhoeff(compact);
}
bool mod11_10(std::string_view compact) {
    return digits_only(compact) && !detail::all_equal(compact) && detail::iso7064_11_10(compact);
}

// ISO 7064 mod 97-10: the last two digits make the remainder 1; letters count 10 to 35.
bool mod97(std::string_view compact) {
    if (compact.size() < 4 || !detail::is_digit(compact.back())) return false;
    unsigned remainder = 0;
    for (const char c : compact) {
        if (detail::is_digit(c)) remainder = (remainder * 10 + static_cast<unsigned>(c - '0')) % 97;
        else remainder = (remainder * 100 + static_cast<unsigned>(c - 'A' + 10)) % 97;
    }
    return remainder == 1;
}

// ISO 13616: the country and the check digits count last.
bool iban(std::string_view compact) {
    if (compact.size() < 15 || compact.size() > 34 || !detail::is_upper(compact[0]) || !detail::is_upper(compact[1])) return false;
    return mod97(std::string{compact.substr(4)} + std::string{compact.substr(0, 4)});
}

using Check = bool (*)(std::string_view);
constexpr auto kChecks = std::to_array<std::pair<std::string_view, Check>>(
    {{"iban", iban}, {"luhn", luhn}, {"mod11_10", mod11_10}, {"mod97", mod97}, {"verhoeff", verhoeff}});

bool has_shape(std::string_view compact, std::string_view shape) {
    if (compact.size() != shape.size()) return false;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        const bool digit = detail::is_digit(compact[i]);
        if ((shape[i] == '9' && !digit) || (shape[i] == 'A' && digit)) return false;
    }
    return true;
}

std::string lower(std::string_view text) {
    std::string out;
    for (const char c : text) out += detail::to_lower(c);
    return out;
}

// Empty when the value holds what no identifier does.
std::string compacted(std::string_view value) {
    std::string out;
    for (const char c : value) {
        if (c == ' ' || c == '-' || c == '.' || c == '/') continue;
        if (!detail::is_alnum(c) || out.size() == kLongest) return {};
        out += detail::to_upper(c);
    }
    return out;
}

}  // namespace

std::optional<Validator> Validator::named(std::string_view name) {
    Validator validator;
    const auto check = std::ranges::find(kChecks, name, &std::pair<std::string_view, Check>::first);
    if (check != kChecks.end()) {
        validator.check_ = check->second;
        return validator;
    }
    for (const auto& rule : detail::id_rules()) {
        if (rule.check == detail::any_id || lower(rule.name) != name) continue;
        validator.rule_ = rule.name;
        return validator;
    }
    return std::nullopt;
}

std::string Validator::names() {
    std::vector<std::string> all;
    for (const auto& [name, _] : kChecks) all.emplace_back(name);
    for (const auto& rule : detail::id_rules())
        if (rule.check != detail::any_id) all.push_back(lower(rule.name));
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    std::string out;
    for (const auto& name : all) out += (out.empty() ? "" : ", ") + name;
    return out;
}

bool Validator::passes(std::string_view value) const {
    const std::string compact = compacted(value);
    if (compact.empty()) return false;
    if (check_ != nullptr) return check_(compact);
    return std::ranges::any_of(detail::id_rules(), [&](const detail::IdRule& rule) {
        return rule.name == rule_ && rule.check != detail::any_id && has_shape(compact, rule.shape) && rule.check(compact);
    });
}

}  // namespace sluice::policies
