// A step of a plan that sends a request to a cloud without clearance.
// must say: (could not convert|cannot convert|no viable conversion|no known conversion).*(ChatRequest|CloudCleared)
#include "router/planner.hpp"

using namespace sluice;

bool plan(core::CloudBackend* cloud, core::LocalBackend* local, std::shared_ptr<const core::ChatRequest> request) {
#ifdef MUST_FAIL
    (void)local;
    const router::CloudStep step{cloud, request};
#else
    (void)cloud;
    const router::LocalStep step{local, request};
#endif
    return step.request != nullptr;
}
