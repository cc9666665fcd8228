// A clearance made of the bytes of something else.
// must say: (no matching function for call to|no match for call to).*bit_cast
#include "core/cleared.hpp"

#include <array>
#include <bit>
#include <cstdint>

using namespace sluice;

struct Lookalike {
    std::uintptr_t words[2];
};
static_assert(sizeof(Lookalike) == sizeof(core::CloudCleared));

std::uintptr_t forge(Lookalike bytes) {
#ifdef MUST_FAIL
    return std::bit_cast<core::CloudCleared>(bytes).request().model().size();
#else
    return std::bit_cast<std::array<std::uintptr_t, 2> >(bytes)[0];
#endif
}
