// A class derived from the clearance, to get at its constructor.
// must say: (CloudCleared::CloudCleared.*is private within|private constructor of class .*CloudCleared)
#include "core/cleared.hpp"

using namespace sluice;

struct Mine : core::CloudCleared {
    explicit Mine(core::CloudCleared&& cleared) : core::CloudCleared(std::move(cleared)) {}
#ifdef MUST_FAIL
    explicit Mine(std::shared_ptr<const core::ChatRequest> request) : core::CloudCleared(std::move(request)) {}
#endif
};
