// The organization's own rules: dictionaries, patterns, thresholds, types that are off, allowed values.
#pragma once

#include "gateway/config/config.hpp"
#include "gateway/config/section.hpp"

namespace sluice::gateway {

void read_sensitivity(Section& section, Config& config);
// `findings` of a team's policy or of sensitivity.
void read_finding_rules(Section& section, policies::FindingRules& rules);
// What only both sections show: rules name types that exist, and reach what never leaves only where that is said aloud.
void check_finding_rules(Section& root, const Config& config);

}  // namespace sluice::gateway
