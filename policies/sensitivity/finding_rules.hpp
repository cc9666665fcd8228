// Which findings count: scores by type, types that are off, values that are allowed. Rules make detectors quieter for what
// is known to be harmless; what never leaves (credentials, keys, card security codes, diagnoses, privileged text) is out of
// their reach unless the configuration says so in so many words. Immutable once built; any thread.
#pragma once

#include "core/crypto.hpp"
#include "core/secret.hpp"
#include "policies/sensitivity/detectors.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policies {

// True for types that are never masked and sent: severity 4, and all that maskable.hpp calls Never.
bool never_leaves(std::string_view type);
// True when some built-in detector reports this type.
bool is_built_in_type(std::string_view type);
// The built-in types, in order.
const std::vector<std::string_view>& built_in_types();

// Of a team, and of the configuration as a whole.
struct FindingRules {
    std::map<std::string, double, std::less<>> thresholds = {};  // type -> least score that counts, instead of the cut
    std::set<std::string, std::less<>> disabled = {};            // types that do not count at all
    bool including_s4 = false;                                   // the rules reach what never leaves

    bool empty() const { return thresholds.empty() && disabled.empty(); }
    friend bool operator==(const FindingRules&, const FindingRules&) = default;
};

// Values that are harmless although they look otherwise: the organization's own published number, its own domain.
struct AllowedValues {
    std::vector<std::string> values = {};         // as they stand in texts, without spaces around them
    std::vector<std::string> hashed = {};         // HMAC-SHA-256 of such a value under `key`, 64 hexadecimal digits
    core::Secret key = {};                        // of `hashed`
    std::vector<std::string> email_domains = {};  // "example.com": addresses there; "*.example.com": below it
    bool including_s4 = false;                    // values may also be ones that never leave
};

// The two together, ready to be asked.
class FindingFilter {
public:
    static constexpr std::size_t kMostAllowed = 100'000;

    FindingFilter() = default;
    // `never_leaving`: types of own patterns that are to be treated like credentials.
    FindingFilter(double cut, FindingRules rules, AllowedValues allowed, std::set<std::string, std::less<>> never_leaving);

    // Whether the score is enough; `team` may be null.
    bool enough(std::string_view type, double score, const FindingRules* team) const;
    // Whether the value is one that is allowed. `value`: the finding's text in the reading it was found in.
    bool allowed(std::string_view type, std::string_view value) const;
    bool allows_any() const { return allows_any_; }

    // What `sensitivity.allow.hashed` holds for a value.
    static std::string hash(const core::Secret& key, std::string_view value);

private:
    bool allowed_domain(std::string_view address) const;
    bool out_of_reach(std::string_view type) const { return never_leaves(type) || never_leaving_.contains(type); }

    double cut_ = 0.5;
    FindingRules rules_;
    std::set<std::string, std::less<>> never_leaving_;
    std::set<std::string, std::less<>> values_;
    std::set<std::string, std::less<>> hashed_;
    std::optional<core::Hmac> mac_;
    std::set<std::string, std::less<>> domains_;
    bool including_s4_ = false;
    bool allows_any_ = false;
};

}  // namespace sluice::policies
