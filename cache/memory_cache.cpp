#include "cache/memory_cache.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::cache {

namespace {

// List node, index node and allocator overhead of one entry, roughly.
constexpr std::size_t kBookkeeping = 256;

std::size_t size_of(const CachedReply& reply) {
    std::size_t bytes = kBookkeeping + sizeof(CachedReply) + reply.body.capacity() + reply.target.capacity();
    for (const auto& chunk : reply.chunks) bytes += sizeof(std::string) + chunk.capacity();
    return bytes;
}

}  // namespace

// The digest is a keyed hash: any eight of its bytes are as good as another hash of it.
std::size_t MemoryCache::DigestHash::operator()(const core::Digest& digest) const noexcept {
    std::size_t hash = 0;
    std::memcpy(&hash, digest.data(), sizeof hash);
    return hash;
}

MemoryCache::MemoryCache(const MemoryCacheConfig& config)
    : max_shard_bytes_(config.max_bytes / std::max<std::size_t>(1, config.shards)), time_to_live_(config.time_to_live) {
    for (std::size_t i = 0; i < std::max<std::size_t>(1, config.shards); ++i)
        shards_.push_back(std::make_unique<Shard>());
}

MemoryCache::Shard& MemoryCache::shard_of(const Key& key) {
    return *shards_[key.digest().back() % shards_.size()];
}

void MemoryCache::Shard::erase(Entries::iterator entry) {
    bytes -= entry->bytes;
    index.erase(entry->digest);
    entries.erase(entry);
}

std::optional<CachedReply> MemoryCache::find_now(const Key& key, Clock::time_point now) {
    Shard& shard = shard_of(key);
    std::shared_ptr<const CachedReply> found;
    {
        const std::lock_guard lock(shard.mutex);
        const auto at = shard.index.find(key.digest());
        if (at == shard.index.end()) return std::nullopt;
        const auto entry = at->second;
        if (now >= entry->expires) {
            shard.erase(entry);
            return std::nullopt;
        }
        shard.entries.splice(shard.entries.begin(), shard.entries, entry);
        found = entry->reply;
    }
    return *found;
}

void MemoryCache::store_now(const Key& key, CachedReply reply, Clock::time_point now) {
    Entry entry{key.digest(), nullptr, size_of(reply), now + time_to_live_};
    Shard& shard = shard_of(key);
    if (entry.bytes > max_shard_bytes_) return;
    entry.reply = std::make_shared<const CachedReply>(std::move(reply));
    const std::lock_guard lock(shard.mutex);
    if (const auto at = shard.index.find(key.digest()); at != shard.index.end()) shard.erase(at->second);
    while (shard.bytes + entry.bytes > max_shard_bytes_) shard.erase(std::prev(shard.entries.end()));
    shard.bytes += entry.bytes;
    shard.entries.push_front(std::move(entry));
    shard.index.emplace(key.digest(), shard.entries.begin());
}

core::awaitable<std::optional<CachedReply>> MemoryCache::find(const Key& key) {
    co_return find_now(key);
}

core::awaitable<void> MemoryCache::store(const Key& key, CachedReply reply) {
    store_now(key, std::move(reply));
    co_return;
}

std::size_t MemoryCache::bytes() const {
    std::size_t sum = 0;
    for (const auto& shard : shards_) {
        const std::lock_guard lock(shard->mutex);
        sum += shard->bytes;
    }
    return sum;
}

std::size_t MemoryCache::entries() const {
    std::size_t sum = 0;
    for (const auto& shard : shards_) {
        const std::lock_guard lock(shard->mutex);
        sum += shard->entries.size();
    }
    return sum;
}

}  // namespace sluice::cache
