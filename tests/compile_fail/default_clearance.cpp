// A clearance for nothing, to be filled in later.
// must say: no (matching function for call to|matching constructor|default constructor).*CloudCleared
#include "core/cleared.hpp"

using namespace sluice;

struct Step {
#ifdef MUST_FAIL
    core::CloudCleared request;
#else
    core::CloudCleared* request = nullptr;
#endif
};

Step make() {
    return Step();
}
