// What was measured, for people and for programs.
#pragma once

#include "core/json.hpp"
#include "tests/bench/gpu/ceilings.hpp"
#include "tests/bench/gpu/measure.hpp"

#include <string>

namespace sluice::local_engine::bench {

std::string table_of(const Ceilings& ceilings);
std::string table_of(const ModelReport& report, const Ceilings& ceilings);

core::Json to_json(const Ceilings& ceilings);
core::Json to_json(const ModelReport& report, const Ceilings& ceilings);

}  // namespace sluice::local_engine::bench
