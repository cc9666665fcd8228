// A request on a stream.
// must say: (no match for .*operator<<|invalid operands to binary expression)
#include "core/chat.hpp"

#include <iostream>

using namespace sluice;

void print(const core::ChatRequest& request) {
#ifdef MUST_FAIL
    std::cout << request;
#else
    std::cout << request.model();
#endif
}
