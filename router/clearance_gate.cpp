#include "router/clearance_gate.hpp"

namespace sluice::router {

core::Result<core::CloudCleared> ClearanceGate::clear(const core::Classified& classified,
                                                      const policies::TeamPolicy& policy) const {
    if (policy.action(classified.data_class()) != core::Action::Cloud)
        return core::Error{core::Errc::Refused, "policy keeps data class " +
                                                    std::string{core::to_string(classified.data_class())} + " out of the cloud"};
    return core::CloudCleared{classified.shared_request()};
}

}  // namespace sluice::router
