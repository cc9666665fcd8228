// What the command line says over the file, and what only the whole configuration shows.
#include "gateway/config/load.hpp"
#include "gateway/config/values.hpp"

#include <fmt/format.h>

#include <fstream>
#include <limits>

namespace sluice::gateway {
namespace {

core::Error problem(std::string field, std::string detail) {
    return {.code = core::Errc::InvalidRequest, .detail = std::move(detail), .field = std::move(field)};
}

bool readable(const std::filesystem::path& file) {
    std::error_code wrong;
    return std::filesystem::is_regular_file(file, wrong) && std::ifstream(file).good();
}

void must_be_readable(std::vector<core::Error>& problems, std::string field, const std::filesystem::path& file) {
    if (!file.empty() && !readable(file))
        problems.push_back(problem(std::move(field), file.string() + " is not a readable file"));
}

void check_server(const ServerSettings& server, std::vector<core::Error>& problems) {
    const bool tls = !server.tls_certificate.empty();
    if (tls != !server.tls_key.empty()) {
        problems.push_back(
            problem(tls ? "server.tls_key" : "server.tls_certificate", "TLS needs both, certificate and key"));
    }
    must_be_readable(problems, "server.tls_certificate", server.tls_certificate);
    must_be_readable(problems, "server.tls_key", server.tls_key);
    if (!is_loopback(server.listen) && !tls && !server.allow_plain) {
        problems.push_back(problem(
            "server.listen", fmt::format("{} can be reached from other machines, and keys and prompts would travel in "
                                         "the clear: set server.tls_certificate and server.tls_key, or, behind a proxy "
                                         "that ends TLS, --insecure-listen or server.allow_plain: true",
                                         to_string(server.listen))));
    }
}

}  // namespace

std::vector<core::Error> apply(const Overrides& overrides, Config& config) {
    std::vector<core::Error> problems;
    if (overrides.listen) {
        if (const auto address = parse_listen_address(*overrides.listen)) {
            config.server.listen = *address;
        } else {
            problems.push_back(problem(
                "--listen", fmt::format("\"{}\" is not HOST:PORT with a numeric address, such as 127.0.0.1:8080",
                                        *overrides.listen)));
        }
    }
    if (overrides.data) config.data = *overrides.data;
    if (overrides.model) {
        config.engine.model = *overrides.model;
        config.engine.enabled = true;
    }
    if (overrides.durability == "strict" || overrides.durability == "relaxed") {
        config.ledger.durability = *overrides.durability == "strict" ? Durability::Strict : Durability::Relaxed;
    } else if (overrides.durability) {
        problems.push_back(
            problem("--durability", fmt::format("\"{}\" is not strict or relaxed", *overrides.durability)));
    }
    if (overrides.loops) {
        const auto loops = parse_integer(*overrides.loops);
        if (loops && *loops >= 0 && *loops <= 1024) {
            config.server.loops = static_cast<int>(*loops);
        } else {
            problems.push_back(
                problem("--loops", fmt::format("\"{}\" is not a number between 0 and 1024", *overrides.loops)));
        }
    }
    if (overrides.insecure_listen) config.server.allow_plain = true;
    if (overrides.data && overrides.data->empty()) problems.push_back(problem("--data", "names no directory"));
    return problems;
}

std::vector<core::Error> check_consistency(const Config& config) {
    std::vector<core::Error> problems;
    check_server(config.server, problems);
    if (config.engine.enabled) must_be_readable(problems, "engine.model", config.engine.model);
    for (std::size_t i = 0; config.engine.enabled && i < config.engine.more.size(); ++i)
        must_be_readable(problems, fmt::format("engine.more[{}].model", i), config.engine.more[i].model);
    must_be_readable(problems, "catalogue", config.catalogue);
    for (std::size_t i = 0; i < config.providers.size(); ++i) {
        must_be_readable(problems, fmt::format("providers[{}].ca_file", i), config.providers[i].ca_file);
    }
    const auto in_redis = [](const policies::TeamPolicy& policy) { return policy.memory.store == policies::MemoryRules::Store::Redis; };
    if (config.cache.redis_url.empty()) {
        if (in_redis(config.policies.fallback)) problems.push_back(problem("policies.default.memory.store", "redis needs cache.redis_url"));
        for (const auto& [team, policy] : config.policies.teams)
            if (in_redis(policy)) problems.push_back(problem("policies.teams." + team + ".memory.store", "redis needs cache.redis_url"));
    }
    if (config.providers.empty() && !config.demo_cloud && !config.engine.enabled) {
        problems.push_back(
            problem("providers", "nothing could answer: no provider is configured and the engine is off"));
    }
    return problems;
}

}  // namespace sluice::gateway
