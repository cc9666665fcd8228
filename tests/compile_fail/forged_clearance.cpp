// A clearance that nobody but the gate may make.
// must say: (CloudCleared::CloudCleared.*is private within|private constructor of class .*CloudCleared)
#include "core/cleared.hpp"

using namespace sluice;

const core::ChatRequest& clear(std::shared_ptr<const core::ChatRequest> request) {
#ifdef MUST_FAIL
    static const core::CloudCleared cleared{std::move(request)};
    return cleared.request();
#else
    return *request;
#endif
}
