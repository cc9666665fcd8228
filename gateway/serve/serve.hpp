// `sluice serve`: builds every part from the configuration, in order, and runs until a signal ends it. Its body is the
// wiring diagram of the whole program.
#pragma once

#include "gateway/config/config.hpp"

namespace sluice::gateway {

// Blocks. Returns the process's exit code: 0 after a clean drain, 1 when a part could not start (said on stderr).
int serve(const Config& config);

}  // namespace sluice::gateway
