// POST /v1/classify: {"text", "id"?} in, what `sluice classify --jsonl` answers out. Nothing is stored, sent or held.
#pragma once

#include "gateway/http/exchange.hpp"
#include "policies/policy_set.hpp"

namespace sluice::gateway {

// With the rules of the caller's team. `policies` outlives the server.
Route classify_route(const policies::PolicyInForce& policies, std::size_t max_body_bytes);

}  // namespace sluice::gateway
