// One line of `sluice classify --jsonl`: {"id", "text"} in, {"id", "sensitive", "data_class", "findings", "elapsed_us"}
// out. Findings carry type, start, end (Unicode code points, half open), score and detector; never text.
#pragma once

#include "core/json.hpp"
#include "policies/sensitivity/classifier.hpp"

#include <string>
#include <string_view>

namespace sluice::policies {

// `rules`: of the team that asks, if any.
core::Json evaluate(const Classifier& classifier, const core::Json& row, const FindingRules* rules = nullptr);

// The same over JSON text, without a line end. A line that is not understood gives {"error": ...}.
std::string evaluate_line(const Classifier& classifier, std::string_view line, const FindingRules* rules = nullptr);

}  // namespace sluice::policies
