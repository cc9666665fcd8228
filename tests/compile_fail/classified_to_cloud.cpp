// A judged request, given to a cloud backend without the gate.
// must say: (invalid initialization of reference|no known conversion|cannot convert).*CloudCleared
#include "core/backend.hpp"
#include "core/classified.hpp"

using namespace sluice;

core::awaitable<core::ServeOutcome> send(core::CloudBackend& cloud, const core::Classified& judged,
                                         const core::CloudCleared& cleared, const core::ServeOptions& options,
                                         core::ReplySink& reply) {
#ifdef MUST_FAIL
    (void)cleared;
    return cloud.serve(judged, options, reply);
#else
    (void)judged;
    return cloud.serve(cleared, options, reply);
#endif
}
