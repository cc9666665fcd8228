// Everything an operator can set, with defaults that work: one immutable value, read once, handed to the wiring in
// gateway/serve. The YAML keys are the member names; deploy/sluice.example.yaml shows each of them.
#pragma once

#include "cache/response_cache.hpp"
#include "core/data_class.hpp"
#include "core/money.hpp"
#include "core/secret.hpp"
#include "gateway/config/values.hpp"
#include "local_engine/options.hpp"
#include "policies/sensitivity/classifier.hpp"
#include "policies/team_policy.hpp"
#include "providers/limits.hpp"
#include "providers/openai_backend.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::gateway {

struct ServerSettings {
    HostPort listen{"127.0.0.1", 8080};
    std::filesystem::path tls_certificate;   // PEM chain; empty: plain HTTP
    std::filesystem::path tls_key;           // PEM; both or neither
    bool allow_plain = false;                // a non-loopback address without TLS, behind somebody else's TLS
    int loops = 0;                           // event loops; 0: one per core
    std::vector<std::string> allowed_hosts;  // names a Host header may carry besides the listening address; "*": any

    struct Limits {
        std::size_t max_body_bytes = std::size_t{16} << 20;
        std::size_t max_header_bytes = std::size_t{32} << 10;
        int max_connections = 20'000;
    } limits;
    struct Timeouts {
        std::chrono::seconds handshake{10};
        std::chrono::seconds header{15};
        std::chrono::seconds body_gap{15};  // longest pause between two pieces of a body
        std::chrono::seconds idle{75};      // keep-alive
        std::chrono::seconds write{30};     // a client that does not read
        std::chrono::seconds request{600};  // the whole of one answer
        std::chrono::seconds drain{30};     // running streams after SIGTERM
    } timeouts;
};

enum class Durability { Strict, Relaxed };
struct LedgerSettings {
    Durability durability = Durability::Strict;  // Strict: on disk before the upstream sees a byte
};

enum class CacheBackend { Memory, Redis, Off };
struct CacheSettings {
    CacheBackend backend = CacheBackend::Memory;
    std::size_t max_bytes = std::size_t{32} << 20;
    std::chrono::seconds ttl{3600};
    cache::CachePolicy policy = {};  // which answers are kept
    core::Secret redis_url;          // redis://[user:password@]host:port[/db], rediss:// for TLS; required by Redis
    std::chrono::milliseconds redis_timeout{25};
};

struct EngineSettings {
    bool enabled = true;
    std::filesystem::path model;  // GGUF; empty: the bundled demo model
    std::string name;             // "local/NAME" to clients; empty: from the file
    local_engine::EngineBackend backend = local_engine::EngineBackend::Cpu;
    int threads = 0;              // 0: one per core
    std::int64_t context = 0;     // tokens per request; 0: what the model was trained for
    std::size_t kv_bytes = 0;     // 0: one full context, at least 256 MiB
    std::int32_t max_running = 32;
    std::size_t max_waiting = 64;
    core::Price input_price{20'000'000};  // 0.02 USD per million tokens: what the machine costs its owner
    core::Price output_price{20'000'000};
    std::uint64_t memory_bytes = 0;    // of all local models together; 0: what the machine has to give
    bool load = true;                  // at start; of `more` only: others wait for sluice models load
    std::vector<EngineSettings> more;  // further models, each with its own settings
};

struct ProviderModel {
    std::string name;                        // what clients ask for, "NAME" or "provider/NAME"
    std::string upstream;                    // what the provider calls it
    std::optional<core::Price> input_price;  // none: the catalogue's
    std::optional<core::Price> output_price;
    std::optional<core::Price> cached_input_price;
    std::int64_t context = 0;  // 0: the catalogue's
};

struct ProviderSettings {
    std::string name;      // "deepseek": the prefix of its targets
    std::string base_url;  // "https://api.deepseek.com"; /chat/completions is appended
    core::Secret api_key;  // empty: no Authorization header
    core::Zone zone = core::Zone::Cloud;
    std::vector<ProviderModel> models;  // empty: the catalogue's models of that name
    std::filesystem::path ca_file;      // empty: the system's certificates
    int max_connections = 64;           // per event loop
    providers::TokenLimitField token_limit = providers::TokenLimitField::AsClient;
    std::vector<std::pair<std::string, std::string>> headers;  // sent with every request
    providers::UpstreamTimeouts timeouts;
};

struct RoutingSettings {
    int most_attempts = 3;                         // of one request, over all targets of its plan
    std::chrono::milliseconds first_backoff{100};  // before the same target is tried again; doubled each time
    std::chrono::seconds longest_retry_after{2};   // a provider that asks for more is not waited for
};

struct PoliciesSettings {
    policies::TeamPolicy fallback;                                   // YAML: policies.default
    std::map<std::string, policies::TeamPolicy, std::less<>> teams;  // what a team leaves out is the default's
};

// Terms of the organization's dictionary that are kept outside of the configuration, one a line.
struct DictionaryFile {
    std::filesystem::path file;
    core::DataClass data_class = core::DataClass::Confidential;
};

struct LoggingSettings {
    std::string level = "info";  // trace, debug, info, warn, error, off
};

struct Config {
    ServerSettings server;
    std::filesystem::path data;  // keys, ledger, decisions; made with mode 0700
    LedgerSettings ledger;
    CacheSettings cache;
    EngineSettings engine;
    std::vector<ProviderSettings> providers;  // the built-in ones when the file names none
    RoutingSettings routing;
    PoliciesSettings policies;
    policies::SensitivityConfig sensitivity;       // without the terms of files: load_policy.hpp reads those
    std::vector<DictionaryFile> dictionary_files;  // YAML: sensitivity.dictionary_files
    std::filesystem::path catalogue;  // YAML price list; empty: the built-in one
    LoggingSettings logging;
    // Where this was read from, for reloads: policies and sensitivity may change while the gateway runs, other sections not.
    struct Origin {
        std::filesystem::path file;                         // empty: the defaults
        std::map<std::string, std::string> other_sections;  // digest by name, as the file writes it
    } origin;
    bool demo_cloud = false;  // start the scripted cloud in this process: no provider is configured and none has a key
};

// $XDG_DATA_HOME/sluice, else ~/.local/share/sluice, else ./sluice-data.
std::filesystem::path default_data_directory();

}  // namespace sluice::gateway
