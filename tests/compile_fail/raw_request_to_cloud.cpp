// A request as it came in, given to a cloud backend.
// must say: (invalid initialization of reference|no known conversion|cannot convert).*CloudCleared
#include "core/backend.hpp"

using namespace sluice;

core::awaitable<core::ServeOutcome> send(core::CloudBackend& cloud, core::LocalBackend& local,
                                         const core::ChatRequest& request, const core::ServeOptions& options,
                                         core::ReplySink& reply) {
#ifdef MUST_FAIL
    (void)local;
    return cloud.serve(request, options, reply);
#else
    (void)cloud;
    return local.serve(request, options, reply);
#endif
}
