// What a customer expects of a policy, case by case: the file of `sluice policy test`.
//
//   cases:
//     - name: employee numbers stay here
//       team: legal                       # default: no team, the default policy
//       text: "badge EMP-123456"          # or body: a whole chat request, as JSON
//       declared: internal                # what x-sluice-data-class would say; default: nothing
//       expect:                           # at least one of
//         class: confidential
//         findings: [CUSTOM_EMPLOYEE_ID]  # exactly these types; "EMAIL=jo@example.org" also says what was found; [] none
//         action: local                   # cloud, redact, local or block, after masking was tried
#pragma once

#include "core/data_class.hpp"
#include "core/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::gateway {

struct PolicyCase {
    std::string place;  // "cases[2], line 14"
    std::string name;
    std::string team;
    std::string text;
    std::string body;  // instead of a text
    std::optional<core::DataClass> declared;
    std::optional<core::DataClass> data_class;
    std::optional<std::vector<std::string>> findings;
    std::optional<core::Action> action;
};

struct PolicyCases {
    std::vector<PolicyCase> cases;      // usable only when there is no problem
    std::vector<core::Error> problems;  // Error::field is the path of the key
};

// Bounded like a configuration; ${NAME} is text like any other here.
PolicyCases parse_policy_cases(std::string_view yaml);

}  // namespace sluice::gateway
