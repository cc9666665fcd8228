#include "gateway/config/read_sections.hpp"

#include "gateway/config/read_sensitivity.hpp"

#include "cache/redis_client.hpp"
#include "gateway/config/values.hpp"
#include "providers/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::gateway {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;

constexpr std::int64_t kManyTokens = 100'000'000;
constexpr std::size_t kMiB = std::size_t{1} << 20;

template <class Value>
auto words(std::initializer_list<std::pair<std::string_view, Value>> table) {
    return [choices = std::vector(table)](std::string_view text) -> std::optional<Value> {
        const auto found = std::ranges::find(choices, text, &std::pair<std::string_view, Value>::first);
        return found == choices.end() ? std::nullopt : std::optional(found->second);
    };
}

constexpr std::string_view kDataClasses = "public, internal, confidential or restricted";

// A name that becomes the part of a target before its slash.
bool good_name(std::string_view name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    };
    return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, fits);
}

void read_server(Section& section, ServerSettings& server) {
    section.listen_address("listen", server.listen);
    section.path("tls_certificate", server.tls_certificate);
    section.path("tls_key", server.tls_key);
    section.flag("allow_plain", server.allow_plain);
    section.integer("loops", server.loops, 0, 1024);
    section.texts("allowed_hosts", server.allowed_hosts);
    section.section("limits", [&](Section& limits) {
        limits.bytes("max_body_bytes", server.limits.max_body_bytes, 1024, 1024 * kMiB);
        limits.bytes("max_header_bytes", server.limits.max_header_bytes, 4096, kMiB);
        limits.integer("max_connections", server.limits.max_connections, 1, 1'000'000);
    });
    section.section("timeouts", [&](Section& timeouts) {
        timeouts.duration("handshake", server.timeouts.handshake, 1s, seconds(1h));
        timeouts.duration("header", server.timeouts.header, 1s, seconds(1h));
        timeouts.duration("body_gap", server.timeouts.body_gap, 1s, seconds(1h));
        timeouts.duration("idle", server.timeouts.idle, 1s, seconds(24h));
        timeouts.duration("write", server.timeouts.write, 1s, seconds(1h));
        timeouts.duration("request", server.timeouts.request, 1s, seconds(24h));
        timeouts.duration("drain", server.timeouts.drain, 0s, seconds(1h));
    });
}

void read_cache(Section& section, CacheSettings& settings) {
    section.choice("backend", settings.backend, "memory, redis or off",
                   words<CacheBackend>(
                       {{"memory", CacheBackend::Memory}, {"redis", CacheBackend::Redis}, {"off", CacheBackend::Off}}));
    section.bytes("max_bytes", settings.max_bytes, 64 * 1024, 1024 * 1024 * kMiB);
    section.duration("ttl", settings.ttl, 1s, seconds(720h));
    using Keep = cache::CachePolicy::Keep;
    section.choice("keep", settings.policy.keep, "all or deterministic",
                   words<Keep>({{"all", Keep::All}, {"deterministic", Keep::Deterministic}}));
    section.secret("redis_url", settings.redis_url);
    section.duration("redis_timeout", settings.redis_timeout, 1ms, 10'000ms);
    if (!settings.redis_url.empty()) {
        if (const auto url = cache::parse_redis_url(settings.redis_url); !url)
            section.problem("redis_url", url.error().detail);
    } else if (settings.backend == CacheBackend::Redis) {
        section.problem("redis_url", "backend redis needs it");
    }
}

// What every local model has.
void read_local_model(Section& section, EngineSettings& engine) {
    section.path("model", engine.model);
    section.text("name", engine.name);
    if (!engine.name.empty() && !good_name(engine.name))
        section.not_a("name", "a name of letters, digits, '.', '-' and '_'");
    using local_engine::EngineBackend;
    section.choice("backend", engine.backend, "cpu, cuda or auto",
                   words<EngineBackend>({{"cpu", EngineBackend::Cpu}, {"cuda", EngineBackend::Cuda}, {"auto", EngineBackend::Auto}}));
    section.integer("threads", engine.threads, 0, 1024);
    section.integer("context", engine.context, 0, kManyTokens);
    section.bytes("kv_bytes", engine.kv_bytes, 0, 16 * 1024 * 1024 * kMiB);
    section.integer("max_running", engine.max_running, 1, 1024);
    section.integer("max_waiting", engine.max_waiting, 0, 100'000);
    section.price("input_price", engine.input_price);
    section.price("output_price", engine.output_price);
}

void read_engine(Section& section, EngineSettings& engine) {
    section.flag("enabled", engine.enabled);
    read_local_model(section, engine);
    section.bytes("memory_bytes", engine.memory_bytes, 0, 64 * 1024 * 1024 * kMiB);
    section.list("more", [&](Section& model) {
        EngineSettings& settings = engine.more.emplace_back();
        read_local_model(model, settings);
        model.flag("load", settings.load);
        if (settings.model.empty()) model.problem("model", "a further model needs its file");
    });
}

void read_model(Section& section, ProviderModel& model) {
    section.text("name", model.name);
    if (model.name.empty()) section.problem("name", "a model needs a name");
    model.upstream = model.name;
    section.text("upstream", model.upstream);
    section.price("input_price", model.input_price);
    section.price("output_price", model.output_price);
    section.price("cached_input_price", model.cached_input_price);
    section.integer("context", model.context, 0, kManyTokens);
}

// Where prompts and the key go: a cloud is spoken to over TLS, or on this machine.
void check_base_url(Section& section, const ProviderSettings& provider) {
    if (provider.base_url.empty()) {
        return section.problem("base_url", "a provider needs one, such as https://api.example.com/v1");
    }
    const auto endpoint = providers::parse_base_url(provider.base_url);
    if (!endpoint) return section.problem("base_url", endpoint.error().detail);
    if (!endpoint->tls && provider.zone == core::Zone::Cloud && !is_loopback({endpoint->host, endpoint->port})) {
        section.problem("base_url", "a cloud provider must be https://: prompts and the key would travel in the clear");
    }
}

void read_provider(Section& section, ProviderSettings& provider) {
    section.text("name", provider.name);
    if (!good_name(provider.name)) {
        section.problem("name", "a provider needs a name of letters, digits, '.', '-' and '_'");
    } else if (provider.name == "local") {
        section.problem("name", "local is the engine in this process");
    }
    section.text("base_url", provider.base_url);
    section.secret("api_key", provider.api_key);
    section.choice("zone", provider.zone, "local or cloud", core::parse_zone);
    section.path("ca_file", provider.ca_file);
    section.integer("max_connections", provider.max_connections, 1, 100'000);
    using providers::TokenLimitField;
    section.choice("token_limit", provider.token_limit, "as_client, max_tokens or max_completion_tokens",
                   words<TokenLimitField>({{"as_client", TokenLimitField::AsClient},
                                           {"max_tokens", TokenLimitField::MaxTokens},
                                           {"max_completion_tokens", TokenLimitField::MaxCompletionTokens}}));
    section.values("headers", [&](const std::string& name, const std::string& value) -> std::optional<std::string> {
        provider.headers.emplace_back(name, value);
        return std::nullopt;
    });
    section.section("timeouts", [&](Section& timeouts) {
        constexpr std::chrono::milliseconds longest = 1h;
        timeouts.duration("connect", provider.timeouts.connect, 1ms, longest);
        timeouts.duration("handshake", provider.timeouts.handshake, 1ms, longest);
        timeouts.duration("first_byte", provider.timeouts.first_byte, 1ms, longest);
        timeouts.duration("idle", provider.timeouts.idle, 1ms, longest);
        timeouts.duration("keep_alive", provider.timeouts.keep_alive, 0ms, longest);
    });
    section.list("models", [&](Section& model) { read_model(model, provider.models.emplace_back()); });
    check_base_url(section, provider);
}

void read_policy(Section& section, policies::TeamPolicy& policy) {
    section.section("actions", [&](Section& actions) {
        for (std::size_t i = 0; i < policy.action_of.size(); ++i) {
            const std::string_view name = core::to_string(static_cast<core::DataClass>(i));
            const bool masks = i != 0;  // public data has nothing to mask
            actions.choice(name, policy.action_of[i], masks ? "cloud, redact, local or block" : "cloud, local or block",
                           [masks](std::string_view text) {
                               const auto action = core::parse_action(text);
                               return action == core::Action::Redact && !masks ? std::nullopt : action;
                           });
        }
    });
    section.choice("attachments", policy.attachments, kDataClasses, core::parse_data_class);
    section.section("redact", [&](Section& redact) {
        using core::Action;
        redact.choice("otherwise", policy.redact.otherwise, "local or block",
                      words<Action>({{"local", Action::Local}, {"block", Action::Block}}));
        redact.flag("sticky", policy.redact.sticky);
    });
    section.section("memory", [&](Section& memory) {
        using Store = policies::MemoryRules::Store;
        memory.choice("store", policy.memory.store, "off, process or redis",
                      words<Store>({{"off", Store::Off}, {"process", Store::Process}, {"redis", Store::Redis}}));
        memory.duration("keep", policy.memory.keep, 60s, seconds(24h * 366));
        memory.choice("unreachable", policy.memory.unreachable, kDataClasses, core::parse_data_class);
    });
    using policies::ResponseScan;
    section.choice("response_scan", policy.responses, "off, flag or mask",
                   words<ResponseScan>({{"off", ResponseScan::Off}, {"flag", ResponseScan::Flag}, {"mask", ResponseScan::Mask}}));
    read_finding_rules(section, policy.findings);
    section.integer("default_max_tokens", policy.default_max_tokens, 1, kManyTokens);
    section.integer("max_tokens", policy.most_max_tokens, 1, kManyTokens);
    if (!section.has("default_max_tokens")) {
        policy.default_max_tokens = std::min(policy.default_max_tokens, policy.most_max_tokens);
    }
    if (policy.default_max_tokens > policy.most_max_tokens) {
        section.problem("default_max_tokens", fmt::format("{} is more than max_tokens, {}", policy.default_max_tokens,
                                                          policy.most_max_tokens));
    }
}

void read_policies(Section& section, PoliciesSettings& all) {
    section.section("default", [&](Section& policy) { read_policy(policy, all.fallback); });
    section.named("teams", [&](const std::string& team, Section& policy) {
        const auto [entry, _] = all.teams.emplace(team, all.fallback);
        entry->second.name = team;
        read_policy(policy, entry->second);
    });
}

void read_routing(Section& section, RoutingSettings& routing) {
    section.integer("most_attempts", routing.most_attempts, 1, 10);
    section.duration("first_backoff", routing.first_backoff, 0ms, 10'000ms);
    section.duration("longest_retry_after", routing.longest_retry_after, 0s, seconds(1h));
}

void refuse_same_names(Section& root, const std::vector<ProviderSettings>& providers) {
    for (std::size_t i = 0; i < providers.size(); ++i) {
        const auto earlier = std::ranges::find(providers.begin(), providers.begin() + static_cast<std::ptrdiff_t>(i),
                                               providers[i].name, &ProviderSettings::name);
        if (earlier != providers.begin() + static_cast<std::ptrdiff_t>(i)) {
            root.problem(fmt::format("providers[{}].name", i), providers[i].name + " is taken by an earlier provider");
        }
    }
}

}  // namespace

void read_config(Section& root, Config& config) {
    root.section("server", [&](Section& section) { read_server(section, config.server); });
    root.path("data", config.data);
    root.section("ledger", [&](Section& section) {
        section.choice("durability", config.ledger.durability, "strict or relaxed",
                       words<Durability>({{"strict", Durability::Strict}, {"relaxed", Durability::Relaxed}}));
    });
    root.section("cache", [&](Section& section) { read_cache(section, config.cache); });
    root.section("engine", [&](Section& section) { read_engine(section, config.engine); });
    root.list("providers", [&](Section& section) { read_provider(section, config.providers.emplace_back()); });
    refuse_same_names(root, config.providers);
    root.section("routing", [&](Section& section) { read_routing(section, config.routing); });
    root.section("policies", [&](Section& section) { read_policies(section, config.policies); });
    root.section("sensitivity", [&](Section& section) { read_sensitivity(section, config); });
    check_finding_rules(root, config);
    root.path("catalogue", config.catalogue);
    root.section("logging", [&](Section& section) {
        section.choice("level", config.logging.level, "trace, debug, info, warn, error or off",
                       [](const std::string& text) -> std::optional<std::string> {
                           static constexpr std::array<std::string_view, 6> kLevels{"trace", "debug", "info",
                                                                                    "warn",  "error", "off"};
                           return std::ranges::count(kLevels, text) == 1 ? std::optional(text) : std::nullopt;
                       });
    });
}

}  // namespace sluice::gateway
