// What is refused about patterns of the organization's own; own_patterns.cpp's other half.
#pragma once

#include "policies/sensitivity/own_patterns.hpp"

#include <re2/re2.h>

namespace sluice::policies::detail {

// UTF-8, no more than a megabyte for a pattern's states, nothing written to standard error.
RE2::Options pattern_options();

}  // namespace sluice::policies::detail
