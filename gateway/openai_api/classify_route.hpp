// POST /v1/classify: {"text", "id"?} in, what `sluice classify --jsonl` answers out. Nothing is stored, sent or held.
#pragma once

#include "gateway/http/exchange.hpp"
#include "policies/sensitivity/classifier.hpp"

namespace sluice::gateway {

// The classifier outlives the server.
Route classify_route(const policies::Classifier& classifier, std::size_t max_body_bytes);

}  // namespace sluice::gateway
