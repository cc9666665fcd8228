// Answers shared through Redis, which is trusted with nothing: entries are sealed (AES-256-GCM, bound to their key), so
// that they can be neither read nor forged nor moved there. One per event loop.
#pragma once

#include "cache/redis_client.hpp"
#include "cache/response_cache.hpp"
#include "cache/sealed_box.hpp"

#include <chrono>

namespace sluice::cache {

class RedisCache final : public ResponseCache {
public:
    // With the same secret, replicas read each other's entries.
    RedisCache(core::net::io_context& loop, RedisConfig config, const core::Secret& secret,
               std::chrono::seconds time_to_live);

    // Both do nothing for keys that may not leave the process; store() nothing for answers of the local zone.
    core::awaitable<std::optional<CachedReply>> find(const Key& key) override;
    core::awaitable<void> store(const Key& key, CachedReply reply) override;

    // True while Redis is left alone after failures.
    bool resting() const { return client_.resting(); }

private:
    RedisClient client_;
    SealedBox box_;
    std::chrono::seconds time_to_live_;
};

}  // namespace sluice::cache
