// A request in a log line.
// must say: (Cannot format an argument|type_is_unformattable|formatter<.*ChatRequest)
#include "core/chat.hpp"

#include <spdlog/spdlog.h>

using namespace sluice;

void log(const core::ChatRequest& request) {
#ifdef MUST_FAIL
    spdlog::info("{}", request);
#else
    spdlog::info("{}", request.model());
#endif
}
