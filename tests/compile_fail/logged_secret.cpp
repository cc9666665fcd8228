// A key in a log line.
// must say: (Cannot format an argument|type_is_unformattable|formatter<.*Secret)
#include "core/secret.hpp"

#include <spdlog/spdlog.h>

using namespace sluice;

void log(const core::Secret& secret) {
#ifdef MUST_FAIL
    spdlog::info("{}", secret);
#else
    spdlog::info("{}", core::Secret::masked());
    (void)secret;
#endif
}
