#include "policies/sensitivity/finding_rules.hpp"

#include "policies/sensitivity/bytes.hpp"
#include "policies/sensitivity/maskable.hpp"

#include <algorithm>

namespace sluice::policies {

namespace {

std::string lower(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) out += detail::to_lower(c);
    return out;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && detail::is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && detail::is_space(text.back())) text.remove_suffix(1);
    return text;
}

}  // namespace

bool never_leaves(std::string_view type) {
    return severity_of(type) >= 4 || masking_of(type) == Masking::Never;
}

const std::vector<std::string_view>& built_in_types() {
    static const std::vector<std::string_view> types{
        "ADDRESS",        "API_KEY",     "BANK_ACCOUNT",   "CONFIDENTIAL", "CREDIT_CARD", "CRYPTO_WALLET", "DATE_OF_BIRTH",
        "DOCUMENTED",     "DRIVER_LICENSE", "EMAIL",       "EMPLOYEE_ID",  "HEALTH_ID",   "HEALTH_INFO",   "IBAN",
        "IP_ADDRESS",     "JWT",         "LEGAL_PRIVILEGE", "MAC_ADDRESS", "MEDICAL_RECORD", "NATIONAL_ID", "ORG_TERM",
        "PASSPORT",       "PASSWORD",    "PERSON",         "PHONE",        "PRIVATE_KEY", "ROUTING_NUMBER", "SECRET_IDENTIFIER",
        "SWIFT_BIC",      "TAX_ID",      "URL_CREDENTIALS", "US_SSN",      "VEHICLE_ID"};
    return types;
}

bool is_built_in_type(std::string_view type) {
    return std::ranges::find(built_in_types(), type) != built_in_types().end() || masking_of(type) != Masking::Unknown;
}

FindingFilter::FindingFilter(double cut, FindingRules rules, AllowedValues allowed, std::set<std::string, std::less<>> never_leaving)
    : cut_(cut), rules_(std::move(rules)), never_leaving_(std::move(never_leaving)), including_s4_(allowed.including_s4) {
    for (const auto& value : allowed.values) values_.insert(std::string{trimmed(value)});
    for (const auto& digest : allowed.hashed) hashed_.insert(lower(digest));
    for (const auto& domain : allowed.email_domains) domains_.insert(lower(domain));
    if (!hashed_.empty()) mac_.emplace(allowed.key);
    allows_any_ = !values_.empty() || !hashed_.empty() || !domains_.empty();
}

bool FindingFilter::enough(std::string_view type, double score, const FindingRules* team) const {
    const bool none = rules_.empty() && (team == nullptr || team->empty());
    if (none) return score >= cut_;
    const bool sealed = out_of_reach(type);
    double least = cut_;
    for (const FindingRules* rules : {&rules_, team}) {
        if (rules == nullptr) continue;
        const bool stricter_only = sealed && !rules->including_s4;
        if (!stricter_only && rules->disabled.contains(type)) return false;
        const auto set = rules->thresholds.find(type);
        if (set != rules->thresholds.end()) least = stricter_only ? std::min(least, set->second) : set->second;
    }
    return score >= least;
}

bool FindingFilter::allowed(std::string_view type, std::string_view value) const {
    if (!allows_any_ || (!including_s4_ && out_of_reach(type))) return false;
    value = trimmed(value);
    if (value.empty()) return false;
    if (values_.contains(value)) return true;
    if (type == "EMAIL" && allowed_domain(value)) return true;
    return mac_ && hashed_.contains(core::to_hex(mac_->mac(value)));
}

bool FindingFilter::allowed_domain(std::string_view address) const {
    const std::size_t at = address.rfind('@');
    if (domains_.empty() || at == std::string_view::npos) return false;
    const std::string domain = lower(address.substr(at + 1));
    if (domains_.contains(domain)) return true;
    for (std::size_t dot = domain.find('.'); dot != std::string::npos; dot = domain.find('.', dot + 1))
        if (domains_.contains("*" + domain.substr(dot))) return true;
    return false;
}

std::string FindingFilter::hash(const core::Secret& key, std::string_view value) {
    return core::to_hex(core::Hmac{key}.mac(trimmed(value)));
}

}  // namespace sluice::policies
