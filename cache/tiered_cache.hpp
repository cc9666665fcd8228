// This process first, then Redis. Everything is kept in memory; what may leave the process is shared through Redis as
// well. One per event loop: the memory behind it is shared by all, the Redis connection is the loop's own.
#pragma once

#include "cache/response_cache.hpp"

#include <utility>

namespace sluice::cache {

class TieredCache final : public ResponseCache {
public:
    // Both outlive this.
    TieredCache(ResponseCache& near, ResponseCache& far) : near_(near), far_(far) {}

    core::awaitable<std::optional<CachedReply>> find(const Key& key) override {
        auto found = co_await near_.find(key);
        if (!found) found = co_await far_.find(key);
        co_return found;
    }
    core::awaitable<void> store(const Key& key, CachedReply reply) override {
        co_await near_.store(key, reply);
        co_await far_.store(key, std::move(reply));
    }

private:
    ResponseCache& near_;
    ResponseCache& far_;
};

}  // namespace sluice::cache
