#include "gateway/serve/loop_parts.hpp"

namespace sluice::gateway {

void LoopParts::add_targets(core::net::io_context& loop, const Upstream& upstream) {
    const auto& config = upstream.connection->config();
    std::variant<core::CloudBackend*, core::LocalBackend*> backend;
    if (config.zone == core::Zone::Cloud) backend = clouds_.emplace_back(std::make_unique<providers::OpenAiCloud>(loop, upstream.connection)).get();
    else backend = locals_.emplace_back(std::make_unique<providers::OpenAiLocal>(loop, upstream.connection)).get();
    for (const auto& entry : upstream.models)
        targets_.push_back({.entry = entry, .zone = config.zone, .upstream_model = entry.model, .backend = backend});
}

LoopParts::LoopParts(core::net::io_context& loop, const Shared& shared) {
    for (const auto& model : shared.local_models.targets())
        targets_.push_back({.entry = model.entry, .zone = core::Zone::Local, .upstream_model = model.entry.model, .backend = model.backend});
    for (const auto& upstream : shared.upstreams) add_targets(loop, upstream);

    cache::ResponseCache* cache = shared.memory_cache;
    if (cache != nullptr && shared.redis != nullptr) {
        redis_ = std::make_unique<cache::RedisCache>(loop, *shared.redis, shared.cache_secret, shared.cache_time_to_live);
        tiered_ = std::make_unique<cache::TieredCache>(*cache, *redis_);
        cache = tiered_.get();
    }
    if (shared.memory_redis != nullptr) {
        memory_client_ = std::make_unique<cache::RedisClient>(loop, *shared.memory_redis);
        redis_memory_ = std::make_unique<router::RedisMemory>(*memory_client_, shared.conversation_secret);
    }
    conversations_ = std::make_unique<router::Conversations>(router::Conversations::Parts{
        .secret = shared.conversation_secret, .memory = shared.memory, .vault = shared.vault, .redis = redis_memory_.get()});
    pipeline_ = std::make_unique<router::Pipeline>(router::Pipeline::Parts{.policies = shared.policies,
                                                                           .targets = targets_,
                                                                           .catalogue = shared.catalogue,
                                                                           .ledger = shared.ledger,
                                                                           .cache = cache,
                                                                           .cache_keys = &shared.cache_keys,
                                                                           .health = shared.health,
                                                                           .conversations = conversations_.get(),
                                                                           .observe = shared.observe},
                                                   shared.pipeline);
}

}  // namespace sluice::gateway
