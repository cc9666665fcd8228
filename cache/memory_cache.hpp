// Answers kept in this process: bounded bytes, least recently used out first, each for a fixed time. Split into shards,
// each with its own lock held for a lookup or an insertion only, so all event loops share one.
#pragma once

#include "cache/response_cache.hpp"

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace sluice::cache {

struct MemoryCacheConfig {
    std::size_t max_bytes = std::size_t{64} << 20;  // of all answers together, bookkeeping included
    std::chrono::seconds time_to_live{3600};
    std::size_t shards = 16;
};

class MemoryCache final : public ResponseCache {
public:
    using Clock = std::chrono::steady_clock;

    explicit MemoryCache(const MemoryCacheConfig& config = {});

    core::awaitable<std::optional<CachedReply>> find(const Key& key) override;
    core::awaitable<void> store(const Key& key, CachedReply reply) override;

    // The same without a coroutine; `now` for tests of expiry.
    std::optional<CachedReply> find_now(const Key& key, Clock::time_point now = Clock::now());
    // Answers too big for a shard are not kept.
    void store_now(const Key& key, CachedReply reply, Clock::time_point now = Clock::now());

    std::size_t bytes() const;    // held now
    std::size_t entries() const;  // held now

private:
    struct DigestHash {
        std::size_t operator()(const core::Digest& digest) const noexcept;
    };
    struct Entry {
        core::Digest digest;
        std::shared_ptr<const CachedReply> reply;  // copied outside of the lock
        std::size_t bytes = 0;
        Clock::time_point expires;
    };
    using Entries = std::list<Entry>;  // most recently used first
    struct Shard {
        mutable std::mutex mutex;
        Entries entries;
        std::unordered_map<core::Digest, Entries::iterator, DigestHash> index;
        std::size_t bytes = 0;
        void erase(Entries::iterator entry);
    };

    Shard& shard_of(const Key& key);

    std::size_t max_shard_bytes_;
    std::chrono::seconds time_to_live_;
    std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace sluice::cache
