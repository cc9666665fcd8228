#include "cache/response_cache.hpp"

namespace sluice::cache {

namespace {

bool is_deterministic(const core::Json& body) {
    const auto temperature = body.find("temperature");
    if (temperature != body.end() && temperature->is_number() && temperature->get<double>() == 0) return true;
    const auto seed = body.find("seed");
    return seed != body.end() && seed->is_number_integer();
}

}  // namespace

bool is_cacheable(const core::ChatRequest& request, const CachePolicy& policy) {
    switch (policy.keep) {
        case CachePolicy::Keep::Nothing: return false;
        case CachePolicy::Keep::Deterministic: return is_deterministic(request.body());
        case CachePolicy::Keep::All: return true;
    }
    return false;
}

}  // namespace sluice::cache
