// One case of `sluice policy test` against a policy: judged as a request would be, sent nowhere.
#pragma once

#include "core/result.hpp"
#include "gateway/config/policy_cases.hpp"
#include "policies/policy_set.hpp"

#include <string>
#include <vector>

namespace sluice::gateway::cli {

struct Difference {
    std::string what;  // "class", "findings", "action"
    std::string expected;
    std::string got;
};

// Empty when the case holds. InvalidRequest: its body is not a chat request.
core::Result<std::vector<Difference>> differences(const policies::PolicySet& policy, const PolicyCase& one);

}  // namespace sluice::gateway::cli
