#include "cache/memory_cache.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::cache {

namespace {

// Hooks, digest, bucket and allocator overhead of one entry, roughly.
constexpr std::size_t kBookkeeping = 160;

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

MemoryCache::Shard::~Shard() {
    while (!entries.empty()) erase(entries.back());
}

void MemoryCache::Shard::insert(EntryPtr entry) {
    double_buckets_when_full();
    bytes += entry->bytes;
    index.insert(*entry);
    entries.push_front(*entry.detach());
}

MemoryCache::EntryPtr MemoryCache::Shard::erase(Entry& entry) {
    bytes -= entry.bytes;
    index.erase(index.iterator_to(entry));
    entries.erase(entries.iterator_to(entry));
    return EntryPtr{&entry, false};  // takes over the list's reference
}

void MemoryCache::Shard::double_buckets_when_full() {
    if (entries.size() < buckets.size()) return;
    std::vector<Index::bucket_type> more(buckets.size() * 2);
    index.rehash(Index::bucket_traits(more.data(), more.size()));
    buckets.swap(more);
}

std::optional<CachedReply> MemoryCache::find_now(const Key& key, Clock::time_point now) {
    Shard& shard = shard_of(key);
    EntryPtr found;
    {
        const std::lock_guard lock(shard.mutex);
        const auto at = shard.index.find(key.digest());
        if (at == shard.index.end()) return std::nullopt;
        if (now >= at->expires) {
            found = shard.erase(*at);
            return std::nullopt;
        }
        shard.entries.splice(shard.entries.begin(), shard.entries, shard.entries.iterator_to(*at));
        found = EntryPtr{&*at};
    }
    return found->reply;
}

void MemoryCache::store_now(const Key& key, CachedReply reply, Clock::time_point now) {
    const std::size_t bytes = size_of(reply);
    if (bytes > max_shard_bytes_) return;
    EntryPtr entry{new Entry{key.digest(), std::move(reply)}};
    entry->bytes = bytes;
    entry->expires = now + time_to_live_;
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    if (const auto at = shard.index.find(key.digest()); at != shard.index.end()) shard.erase(*at);
    while (shard.bytes + bytes > max_shard_bytes_) shard.erase(shard.entries.back());
    shard.insert(std::move(entry));
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
