// A clearance used twice: it is for one plan, not for keeping.
// must say: (use of deleted function|call to deleted constructor).*CloudCleared
#include "core/cleared.hpp"

using namespace sluice;

core::CloudCleared keep(core::CloudCleared& cleared) {
#ifdef MUST_FAIL
    return cleared;
#else
    return std::move(cleared);
#endif
}
