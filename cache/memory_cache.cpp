#include "cache/memory_cache.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluice::cache {

namespace {

constexpr std::size_t kEntryBytes = 256;  // list node, index node and strings' own bookkeeping, roughly

std::size_t bytes_of(const CachedReply& reply) {
    std::size_t bytes = kEntryBytes + reply.body.capacity() + reply.target.capacity();
    for (const auto& chunk : reply.chunks) bytes += sizeof chunk + chunk.capacity();
    return bytes;
}

}  // namespace

std::size_t MemoryCache::DigestHash::operator()(const core::Digest& digest) const noexcept {
    std::size_t hash = 0;  // a keyed hash is as even as any
    std::memcpy(&hash, digest.data(), sizeof hash);
    return hash;
}

MemoryCache::MemoryCache(const MemoryCacheConfig& config) : time_to_live_(config.time_to_live) {
    const std::size_t shards = std::max<std::size_t>(config.shards, 1);
    max_shard_bytes_ = config.max_bytes / shards;
    for (std::size_t i = 0; i < shards; ++i) shards_.push_back(std::make_unique<Shard>());
}

void MemoryCache::Shard::erase(Entries::iterator entry) {
    bytes -= entry->bytes;
    index.erase(entry->digest);
    entries.erase(entry);
}

MemoryCache::Shard& MemoryCache::shard_of(const Key& key) { return *shards_[key.digest().back() % shards_.size()]; }

std::optional<CachedReply> MemoryCache::find_now(const Key& key, Clock::time_point now) {
    Shard& shard = shard_of(key);
    std::shared_ptr<const CachedReply> reply;
    {
        const std::lock_guard lock{shard.mutex};
        const auto found = shard.index.find(key.digest());
        if (found == shard.index.end()) return std::nullopt;
        const auto entry = found->second;
        if (entry->expires <= now) {
            shard.erase(entry);
            return std::nullopt;
        }
        shard.entries.splice(shard.entries.begin(), shard.entries, entry);
        reply = entry->reply;
    }
    return *reply;
}

void MemoryCache::store_now(const Key& key, CachedReply reply, Clock::time_point now) {
    const std::size_t bytes = bytes_of(reply);
    if (bytes > max_shard_bytes_) return;
    auto kept = std::make_shared<const CachedReply>(std::move(reply));
    Shard& shard = shard_of(key);
    const std::lock_guard lock{shard.mutex};
    if (const auto found = shard.index.find(key.digest()); found != shard.index.end()) shard.erase(found->second);
    while (shard.bytes + bytes > max_shard_bytes_) shard.erase(std::prev(shard.entries.end()));
    shard.entries.push_front({.digest = key.digest(), .reply = std::move(kept), .bytes = bytes, .expires = now + time_to_live_});
    shard.index.emplace(key.digest(), shard.entries.begin());
    shard.bytes += bytes;
}

core::awaitable<std::optional<CachedReply>> MemoryCache::find(const Key& key) { co_return find_now(key); }

core::awaitable<void> MemoryCache::store(const Key& key, CachedReply reply) {
    store_now(key, std::move(reply));
    co_return;
}

std::size_t MemoryCache::bytes() const {
    std::size_t sum = 0;
    for (const auto& shard : shards_) {
        const std::lock_guard lock{shard->mutex};
        sum += shard->bytes;
    }
    return sum;
}

std::size_t MemoryCache::entries() const {
    std::size_t sum = 0;
    for (const auto& shard : shards_) {
        const std::lock_guard lock{shard->mutex};
        sum += shard->entries.size();
    }
    return sum;
}

}  // namespace sluice::cache
