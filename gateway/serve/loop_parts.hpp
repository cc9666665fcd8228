// What each event loop has of its own: backends with their connection pools, the table of targets and the pipeline.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "cache/redis_cache.hpp"
#include "cache/tiered_cache.hpp"
#include "gateway/config/config.hpp"
#include "gateway/serve/local_models.hpp"
#include "providers/openai_backend.hpp"
#include "router/pipeline.hpp"

namespace sluice::gateway {

// A provider with its models, shared by all loops.
struct Upstream {
    std::shared_ptr<const providers::OpenAiUpstream> connection;
    std::vector<policies::ModelEntry> models;
};

// What all loops share; lives as long as they do.
struct Shared {
    const std::vector<Upstream>& upstreams;
    const LocalModels& local_models;
    const policies::PolicyInForce& policies;
    const policies::Catalogue& catalogue;
    policies::Ledger& ledger;
    cache::ResponseCache* memory_cache = nullptr;  // null: no cache
    const cache::RedisConfig* redis = nullptr;     // null: memory only
    core::Secret cache_secret;
    std::chrono::seconds cache_time_to_live{3600};
    const cache::KeyMaker& cache_keys;
    router::BackendHealth& health;
    const core::Secret& conversation_secret;
    policies::ProcessMemory& memory;
    router::PlaceholderVault& vault;
    const cache::RedisConfig* memory_redis = nullptr;  // null: no policy keeps conversation memory in Redis
    router::PipelineConfig pipeline;
    std::function<void(const router::Decision&)> observe = {};
};

class LoopParts {
public:
    LoopParts(core::net::io_context& loop, const Shared& shared);
    LoopParts(const LoopParts&) = delete;
    LoopParts& operator=(const LoopParts&) = delete;

    router::Pipeline& pipeline() { return *pipeline_; }
    const router::Targets& targets() const { return targets_; }

private:
    void add_targets(core::net::io_context& loop, const Upstream& upstream);

    std::vector<std::unique_ptr<core::CloudBackend>> clouds_;
    std::vector<std::unique_ptr<core::LocalBackend>> locals_;
    router::Targets targets_;
    std::unique_ptr<cache::RedisCache> redis_;
    std::unique_ptr<cache::TieredCache> tiered_;
    std::unique_ptr<cache::RedisClient> memory_client_;
    std::unique_ptr<router::RedisMemory> redis_memory_;
    std::unique_ptr<router::Conversations> conversations_;
    std::unique_ptr<router::Pipeline> pipeline_;
};

}  // namespace sluice::gateway
