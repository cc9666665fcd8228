#include "cache/response_cache.hpp"

namespace sluice::cache {

bool is_cacheable(const core::ChatRequest& request, const CachePolicy& policy) {
    if (policy.keep == CachePolicy::Keep::Nothing) return false;
    // Several choices are asked for to see variety: one kept answer would take that away.
    if (request.choices() > 1) return false;
    if (policy.keep == CachePolicy::Keep::All) return true;
    const auto& body = request.body();
    const auto temperature = body.find("temperature");
    const auto seed = body.find("seed");
    const bool greedy = temperature != body.end() && temperature->is_number() && temperature->get<double>() == 0;
    return greedy || (seed != body.end() && !seed->is_null());
}

}  // namespace sluice::cache
