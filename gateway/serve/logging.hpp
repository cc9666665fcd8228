// The program's log: lines on standard error, buffered and flushed every second, at once for warnings.
#pragma once

#include <string>

namespace sluice::gateway {

void start_logging(const std::string& level);

}  // namespace sluice::gateway
