// YAML -> Config. Every problem is collected, each with the full path of its key, so that one run of `sluice check`
// shows them all. Values may hold ${NAME} of the environment ($${ is a literal ${); expansion happens after parsing, so
// a secret cannot change the structure. The file is bounded in size, nesting and nodes, aliases included.
#pragma once

#include "core/result.hpp"
#include "gateway/config/config.hpp"
#include "gateway/config/values.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::gateway {

struct LoadedConfig {
    Config config;                      // usable only when there is no problem
    std::vector<core::Error> problems;  // Error::field is the path of the key: "server.listen"
    bool ok() const { return problems.empty(); }
};

// Built-in defaults, with the providers whose key is in the environment; none: the demo cloud.
LoadedConfig default_config(const Environment& environment);
LoadedConfig parse_config(std::string_view yaml, const Environment& environment);
LoadedConfig load_config(const std::filesystem::path& file, const Environment& environment);

// What the command line of `sluice serve` says over the file.
struct Overrides {
    std::optional<std::string> listen;
    std::optional<std::string> data;
    std::optional<std::string> model;
    std::optional<std::string> durability;
    std::optional<std::string> loops;
    bool insecure_listen = false;
};
// Problems name the flag ("--listen").
std::vector<core::Error> apply(const Overrides& overrides, Config& config);

// What no single key shows: files that must be readable, TLS halves, and the rule that only loopback is served without
// TLS.
std::vector<core::Error> check_consistency(const Config& config);

}  // namespace sluice::gateway
