// Ways in which people, programs and attackers write a value so that a plain look does not see it, and the one table of
// those that the detectors do not undo yet.
#pragma once

#include "tests/leak/canaries.hpp"

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::testing {

struct Evasion {
    std::string_view name;
    std::function<std::string(const std::string&)> write;
    std::function<bool(CanaryType)> applies;
};

const std::vector<Evasion>& evasions();

// True for pairs that the detectors miss today. Such cases are run and counted, and said aloud at the end, but a leak
// of theirs does not fail the test. Take a line out of the table in evasions.cpp as soon as its evasion is undone:
// Leak.TheTableOfGapsIsTrue says which lines are no longer needed.
bool is_known_gap(std::string_view evasion, CanaryType type);

}  // namespace sluice::testing
