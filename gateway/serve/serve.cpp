#include "gateway/serve/serve.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <iostream>
#include <thread>

#include "cache/memory_cache.hpp"
#include "gateway/config/load.hpp"
#include "gateway/config/load_policy.hpp"
#include "gateway/config/model_entries.hpp"
#include "gateway/demo_cloud/demo_cloud.hpp"
#include "gateway/http/server.hpp"
#include "gateway/metrics/metrics.hpp"
#include "gateway/openai_api/chat_completions.hpp"
#include "gateway/openai_api/classify_route.hpp"
#include "gateway/serve/data_files.hpp"
#include "gateway/serve/health_api.hpp"
#include "gateway/serve/logging.hpp"
#include "gateway/serve/loop_parts.hpp"
#include "gateway/serve/policy_reload.hpp"
#include "policies/identity/key_ring.hpp"
#include "policies/ledger/durable_ledger.hpp"

namespace sluice::gateway {

namespace {

using core::Result;

// Ends the start: caught by serve(), which says it on standard error.
struct CannotStart {
    core::Error error;
};

template <class T>
T or_throw(Result<T> result) {
    if (!result) throw CannotStart{result.error()};
    return std::move(*result);
}

class RingAuthenticator final : public Authenticator {
public:
    explicit RingAuthenticator(const policies::KeyRing& ring) : ring_(ring) {}
    CallerPtr authenticate(std::string_view token) const override { return ring_.authenticate(token); }

private:
    const policies::KeyRing& ring_;
};

// SIGINT, SIGTERM and SIGHUP are taken by this thread alone; threads started later inherit the mask.
sigset_t block_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    return set;
}

// While nobody waits for signals yet: large models take minutes, and Ctrl-C must not.
bool asked_to_end() {
    sigset_t pending;
    return sigpending(&pending) == 0 && (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1);
}

std::unique_ptr<policies::DurableLedger> open_ledger(const Config& config) {
    auto ledger = or_throw(policies::DurableLedger::open(
        {.directory = config.data,
         .durability = config.ledger.durability == Durability::Strict ? policies::LedgerDurability::Strict : policies::LedgerDurability::Relaxed}));
    if (const auto recovered = ledger->stats().recovered_holds; recovered > 0)
        spdlog::warn("{} holds of an earlier run were still open: settled in full, marked recovery", recovered);
    return ledger;
}

std::vector<Upstream> connect_upstreams(const Config& config, const policies::Catalogue& catalogue, const DemoCloud* demo) {
    std::vector<ProviderSettings> providers = config.providers;
    if (demo != nullptr) providers.push_back(demo->provider());
    std::vector<Upstream> upstreams;
    for (std::size_t i = 0; i < providers.size(); ++i) {
        const auto& provider = providers[i];
        const std::string path = fmt::format("providers[{}]", i);
        upstreams.push_back({.connection = or_throw(providers::OpenAiUpstream::create({.name = provider.name,
                                                                                      .base_url = provider.base_url,
                                                                                      .api_key = provider.api_key,
                                                                                      .zone = provider.zone,
                                                                                      .timeouts = {.connect = provider.timeouts.connect,
                                                                                                   .first_byte = provider.timeouts.first_byte,
                                                                                                   .idle = provider.timeouts.idle},
                                                                                      .ca_file = provider.ca_file,
                                                                                      .max_connections = provider.max_connections,
                                                                                      .headers = {}})),
                             .models = or_throw(model_entries(provider, catalogue, path))});
    }
    return upstreams;
}

ServerConfig server_config(const ServerSettings& settings) {
    ServerConfig config;
    config.address = settings.listen.host == "localhost" ? "127.0.0.1" : settings.listen.host;
    config.port = settings.listen.port;
    config.max_connections = static_cast<std::size_t>(settings.limits.max_connections);
    if (!settings.tls_certificate.empty()) config.tls = TlsFiles{settings.tls_certificate.string(), settings.tls_key.string()};
    config.limits.max_header_bytes = settings.limits.max_header_bytes;
    config.timeouts.handshake = settings.timeouts.handshake;
    config.timeouts.header = settings.timeouts.header;
    config.timeouts.body_gap = settings.timeouts.body_gap;
    config.timeouts.idle = settings.timeouts.idle;
    config.timeouts.write_stall = settings.timeouts.write;
    // A page in a browser must not reach a gateway on loopback under a name of its own (DNS rebinding).
    const auto& allowed = settings.allowed_hosts;
    const bool any = std::ranges::find(allowed, "*") != allowed.end() || (allowed.empty() && !is_loopback(settings.listen));
    if (!any) {
        config.allowed_hosts = allowed;
        for (const auto* name : {"localhost", "127.0.0.1", "::1"}) config.allowed_hosts.emplace_back(name);
        config.allowed_hosts.push_back(settings.listen.host);
    }
    return config;
}

bool remembers_in_redis(const PoliciesSettings& policies) {
    const auto in_redis = [](const policies::TeamPolicy& policy) { return policy.memory.store == policies::MemoryRules::Store::Redis; };
    return in_redis(policies.fallback) || std::ranges::any_of(policies.teams, [&](const auto& team) { return in_redis(team.second); });
}

// One line per request: ids, names and numbers.
void log_decision(const router::Decision& d) {
    if (!spdlog::should_log(spdlog::level::info)) return;
    spdlog::info("request {} decision {} team {} class {} zone {} target {} outcome {}{}{}{} us {} tokens {}+{} cost {} cache {}", d.request_id, d.id,
                 d.team_name, core::to_string(d.data_class), core::to_string(d.zone), d.target.empty() ? "-" : d.target, router::to_string(d.outcome),
                 d.error.empty() ? "" : " error ", d.error, d.masked.empty() ? "" : " redacted", d.total_microseconds, d.usage.prompt, d.usage.completion, core::format_usd(d.cost),
                 router::to_string(d.cache));
}

std::string gauges(const Server& server, const LocalModels& local_models, const policies::DurableLedger& ledger) {
    const auto& counters = server.counters();
    const auto stats = ledger.stats();
    std::string out = fmt::format(
        "sluice_connections_open {}\nsluice_requests_running {}\nsluice_http_requests_total {}\nsluice_http_malformed_total {}\n"
        "sluice_clients_gone_total {}\nsluice_ledger_open_holds_nano_usd {}\nsluice_ledger_records_total {}\nsluice_ledger_flushes_total {}\n",
        counters.open.load(), counters.running.load(), counters.requests.load(), counters.malformed.load(), counters.clients_gone.load(),
        stats.open_holds.value, stats.appended, stats.flushes);
    if (local_models.targets().empty()) return out;
    const auto status = local_models.status();
    return out + fmt::format("sluice_engine_running {}\nsluice_engine_waiting {}\nsluice_engine_pages_used {}\nsluice_engine_pages {}\n"
                             "sluice_engine_prompt_tokens_total {}\nsluice_engine_completion_tokens_total {}\nsluice_engine_cached_tokens_total {}\n"
                             "sluice_engine_guessed_tokens_total {}\nsluice_engine_right_guesses_total {}\nsluice_engine_hung {}\n"
                             "sluice_engine_down {}\nsluice_engine_restarts_total {}\n",
                             status.running, status.waiting, status.pages_used, status.pages_total, status.prompt_tokens, status.completion_tokens,
                             status.found_tokens, status.guessed_tokens, status.right_guesses, status.hung ? 1 : 0, status.down.empty() ? 0 : 1, status.restarts);
}

// SIGHUP reloads the policy. The first other signal drains, a second one ends at once.
void wait_for_signals(const sigset_t& signals, Server& server, std::chrono::seconds drain, PolicyReloader& policy) {
    int signal = 0;
    while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) policy.request();
    spdlog::info("draining: no new connections, running answers get {} s", drain.count());
    server.drain(drain);
    std::atomic<bool> ended{false};
    std::thread joiner{[&] {
        server.join();
        ended = true;
    }};
    const timespec tick{.tv_sec = 0, .tv_nsec = 20'000'000};
    while (!ended)
        if (const int next = sigtimedwait(&signals, nullptr, &tick); next > 0 && next != SIGHUP) server.drain(std::chrono::milliseconds{0});
    joiner.join();
}

void run(const Config& config) {
    const sigset_t signals = block_signals();
    start_logging(config.logging.level);

    EventLoops loops{static_cast<std::size_t>(config.server.loops)};
    const policies::Catalogue catalogue = or_throw(load_catalogue(config));
    policies::PolicyInForce policy{or_throw(load_policy(config))};
    const auto ledger = open_ledger(config);
    const auto ring = or_throw(policies::KeyRing::open(config.data));
    const auto demo = config.demo_cloud ? or_throw(DemoCloud::start()) : nullptr;
    const auto local_models = or_throw(LocalModels::start(config, asked_to_end));
    const auto upstreams = connect_upstreams(config, catalogue, demo.get());

    cache::MemoryCache memory_cache{{.max_bytes = config.cache.max_bytes, .time_to_live = config.cache.ttl}};
    const auto cache_secret = or_throw(secret_file(config.data, "cache.secret"));
    const cache::KeyMaker cache_keys{cache_secret};
    cache::RedisConfig redis;
    const bool redis_cache = config.cache.backend == CacheBackend::Redis;
    const bool redis_memory = remembers_in_redis(config.policies);
    if (redis_cache || redis_memory) {
        redis = or_throw(cache::parse_redis_url(config.cache.redis_url));
        redis.timeout = config.cache.redis_timeout;
    }

    const auto conversation_secret = or_throw(secret_file(config.data, "conversations.secret"));
    policies::ProcessMemory memory;
    router::PlaceholderVault vault;

    std::vector<std::string> names;
    std::size_t targets = local_models->targets().size();
    for (const auto& upstream : upstreams) targets += upstream.models.size();
    router::BackendHealth health{targets};
    Shared shared{.upstreams = upstreams,
                       .local_models = *local_models,
                       .policies = policy,
                       .catalogue = catalogue,
                       .ledger = *ledger,
                       .memory_cache = config.cache.backend == CacheBackend::Off ? nullptr : &memory_cache,
                       .redis = redis_cache ? &redis : nullptr,
                       .cache_secret = cache_secret,
                       .cache_time_to_live = config.cache.ttl,
                       .cache_keys = cache_keys,
                       .health = health,
                       .conversation_secret = conversation_secret,
                       .memory = memory,
                       .vault = vault,
                       .memory_redis = redis_memory ? &redis : nullptr,
                       .pipeline = {.most_attempts = config.routing.most_attempts,
                                    .first_backoff = config.routing.first_backoff,
                                    .longest_retry_after = config.routing.longest_retry_after,
                                    .cache_policy = config.cache.policy}};
    for (const auto& model : local_models->targets()) names.push_back(model.entry.name);
    for (const auto& upstream : upstreams)
        for (const auto& entry : upstream.models) names.push_back(entry.name);
    Metrics metrics{names};
    shared.observe = [&metrics](const router::Decision& decision) {
        metrics.observe(decision);
        log_decision(decision);
    };

    std::vector<std::unique_ptr<LoopParts>> per_loop;
    std::vector<router::Pipeline*> pipelines;
    for (auto* loop : loops.all()) {
        per_loop.push_back(std::make_unique<LoopParts>(*loop, shared));
        pipelines.push_back(&per_loop.back()->pipeline());
    }
    OpenAiApi api{pipelines, per_loop.front()->targets(), *ledger,
                  {.max_body_bytes = config.server.limits.max_body_bytes, .request_deadline = config.server.timeouts.request}};

    PolicyReloader reloader{config, policy};
    Server* server_address = nullptr;
    auto routes = api.routes();
    routes.push_back(classify_route(policy, config.server.limits.max_body_bytes));
    for (auto& route : health_routes(
             metrics,
             [&]() -> std::string {
                 if (server_address == nullptr || server_address->draining()) return "draining";
                 return ledger->writable() ? local_models->not_ready() : "the ledger cannot be written";
             },
             [&] { return gauges(*server_address, *local_models, *ledger) + reloader.metrics(); }))
        routes.push_back(std::move(route));
    const RingAuthenticator authenticator{*ring};
    Server server{server_config(config.server), loops, std::move(routes), authenticator};
    server_address = &server;
    if (auto started = server.start(); !started) throw CannotStart{started.error()};
    loops.start();

    const auto scheme = config.server.tls_certificate.empty() ? "http" : "https";
    spdlog::info("listening on {}://{}, {} event loops, {} targets, {} keys, policy {}", scheme,
                 to_string(HostPort{config.server.listen.host, server.port()}), loops.size(), targets, ring->size(), policy.get()->version());
    spdlog::default_logger()->flush();
    wait_for_signals(signals, server, config.server.timeouts.drain, reloader);
    loops.stop();
    if (auto closed = ledger->shutdown(); !closed) spdlog::error("ledger: {}", core::describe(closed.error()));
    spdlog::info("ended");
}

}  // namespace

int serve(const Config& config) {
    int code = 1;
    try {
        run(config);
        spdlog::shutdown();
        return 0;
    } catch (const CannotStart& problem) {
        spdlog::default_logger()->flush();  // the reason is the last line
        std::cerr << "sluice: cannot start: " << core::describe(problem.error) << std::endl;
        if (problem.error.code == core::Errc::InvalidRequest) code = 2;  // the configuration, seen only when it was used
    } catch (const std::exception& problem) {
        spdlog::default_logger()->flush();
        std::cerr << "sluice: cannot start: " << problem.what() << std::endl;
    }
    spdlog::shutdown();
    return code;
}

}  // namespace sluice::gateway
