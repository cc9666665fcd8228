// Which route a method and path mean. Built once from the list of routes; read by all loops without locks.
#pragma once

#include "gateway/http/exchange.hpp"
#include "gateway/http/target.hpp"

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::gateway {

class RouterTable {
public:
    // Throws std::invalid_argument for a route that is malformed or given twice: a mistake in the program.
    explicit RouterTable(std::vector<Route> routes);
    RouterTable(const RouterTable&) = delete;
    RouterTable& operator=(const RouterTable&) = delete;

    struct Match {
        const Route* route = nullptr;  // null: see allow
        std::string_view allow = {};   // of the path, for 405; empty: no such path, 404
        std::size_t parameter_at = 0;  // offset of the parameter in the path; 0: none
    };
    // HEAD finds the GET route.
    Match find(std::string_view method, const Target& target) const;

private:
    struct Path {
        std::vector<const Route*> routes;
        std::string allow;
    };
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    static Match pick(const Path& path, std::string_view method);

    std::vector<Route> routes_;
    std::unordered_map<std::string, Path, Hash, std::equal_to<>> literal_;
    std::vector<std::pair<std::string, Path>> prefixes_;  // "/v1/decisions/" for "/v1/decisions/{id}", longest first
};

}  // namespace sluice::gateway
