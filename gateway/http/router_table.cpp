#include "gateway/http/router_table.hpp"

#include <algorithm>
#include <stdexcept>

namespace sluice::gateway {

RouterTable::RouterTable(std::vector<Route> routes) : routes_(std::move(routes)) {
    for (const Route& route : routes_) {
        if (route.path.empty() || route.path.front() != '/' || route.method.empty() || !route.handler) {
            throw std::invalid_argument("malformed route " + route.method + " " + route.path);
        }
        Path* path = nullptr;
        if (const std::size_t brace = route.path.find('{'); brace != std::string::npos) {
            const std::string prefix = route.path.substr(0, brace);
            auto known = std::find_if(prefixes_.begin(), prefixes_.end(),
                                      [&](const auto& entry) { return entry.first == prefix; });
            if (known == prefixes_.end()) known = prefixes_.insert(prefixes_.end(), {prefix, Path{}});
            path = &known->second;
        } else {
            path = &literal_[route.path];
        }
        for (const Route* other : path->routes) {
            if (other->method == route.method)
                throw std::invalid_argument("route given twice: " + route.method + " " + route.path);
        }
        path->routes.push_back(&route);
        if (!path->allow.empty()) path->allow += ", ";
        path->allow += route.method == "GET" ? "GET, HEAD" : route.method;
    }
    std::sort(prefixes_.begin(), prefixes_.end(),
              [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
}

RouterTable::Match RouterTable::find(std::string_view method, const Target& target) const {
    const std::string_view path = target.path;
    if (target.encoded_slash == std::string::npos) {
        if (const auto found = literal_.find(path); found != literal_.end()) return pick(found->second, method);
    }
    for (const auto& [prefix, entry] : prefixes_) {
        if (path.size() <= prefix.size() || !path.starts_with(prefix) || target.encoded_slash < prefix.size()) continue;
        Match match = pick(entry, method);
        match.parameter_at = prefix.size();
        return match;
    }
    return {};
}

RouterTable::Match RouterTable::pick(const Path& path, std::string_view method) {
    const std::string_view wanted = method == "HEAD" ? std::string_view("GET") : method;
    for (const Route* route : path.routes) {
        if (route->method == wanted) return {.route = route, .allow = path.allow};
    }
    return {.route = nullptr, .allow = path.allow};
}

}  // namespace sluice::gateway
