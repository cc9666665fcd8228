// The only maker of core::CloudCleared. Every way to a cloud (first choice, retry, fallback) passes here, because cloud
// backends accept nothing else.
#pragma once

#include "core/classified.hpp"
#include "core/cleared.hpp"
#include "core/result.hpp"
#include "policies/team_policy.hpp"

namespace sluice::router {

class ClearanceGate {
public:
    // Cleared when the team's policy sends this data class to the cloud; otherwise Errc::Refused. A request that policy
    // redacts is not cleared: what is handed in for it is the masked request, judged anew (policies/sensitivity/redactor.hpp),
    // whose own class must be one that goes to the cloud.
    core::Result<core::CloudCleared> clear(const core::Classified& classified, const policies::TeamPolicy& policy) const;
};

}  // namespace sluice::router
