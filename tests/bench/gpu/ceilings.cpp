#include "tests/bench/gpu/ceilings.hpp"

#if defined(SLUICE_CUDA)
#include "tests/bench/gpu/ceilings_kernels.hpp"
#endif

namespace sluice::local_engine::bench {

#if defined(SLUICE_CUDA)
core::Result<Ceilings> measure_ceilings(int card) {
    double numbers[5] = {};
    if (const char* error = ceilings_of_card(card, numbers)) return core::Error{core::Errc::Unavailable, error};
    return Ceilings{numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]};
}
#else
core::Result<Ceilings> measure_ceilings(int) {
    return core::Error{core::Errc::Unsupported, "this build has no CUDA backend"};
}
#endif

}  // namespace sluice::local_engine::bench
