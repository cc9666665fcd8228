// Answers kept in this process: bounded bytes, least recently used out first, each for a fixed time. Split into shards,
// each with its own lock held for a lookup or an insertion only, so all event loops share one.
#pragma once

#include "cache/response_cache.hpp"

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/unordered_set.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
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
    MemoryCache* in_process() override { return this; }

    // The same without a coroutine; `now` for tests of expiry.
    std::optional<CachedReply> find_now(const Key& key, Clock::time_point now = Clock::now());
    // Answers too big for a shard are not kept.
    void store_now(const Key& key, CachedReply reply, Clock::time_point now = Clock::now());

    std::size_t bytes() const;    // held now
    std::size_t entries() const;  // held now

private:
    // One allocation for each answer: a request that looks one up or keeps one touches as little memory as can be.
    struct Entry : boost::intrusive_ref_counter<Entry>,
                   boost::intrusive::list_base_hook<>,
                   boost::intrusive::unordered_set_base_hook<> {
        Entry(const core::Digest& key, CachedReply&& kept) : digest(key), reply(std::move(kept)) {}
        const core::Digest digest;
        const CachedReply reply;  // copied outside of the lock
        std::size_t bytes = 0;
        Clock::time_point expires;
    };
    using EntryPtr = boost::intrusive_ptr<Entry>;
    struct DigestOf {
        using type = core::Digest;
        const core::Digest& operator()(const Entry& entry) const noexcept { return entry.digest; }
    };
    struct DigestHash {
        std::size_t operator()(const core::Digest& digest) const noexcept;
    };
    using ByUse = boost::intrusive::list<Entry>;  // most recently used first
    using Index = boost::intrusive::unordered_set<Entry, boost::intrusive::key_of_value<DigestOf>,
                                                  boost::intrusive::hash<DigestHash>,
                                                  boost::intrusive::power_2_buckets<true>>;
    struct Shard {
        static constexpr std::size_t kFirstBuckets = 64;
        mutable std::mutex mutex;
        std::vector<Index::bucket_type> buckets = std::vector<Index::bucket_type>(kFirstBuckets);
        Index index{Index::bucket_traits(buckets.data(), buckets.size())};
        ByUse entries;  // holds a reference to each
        std::size_t bytes = 0;

        ~Shard();
        void insert(EntryPtr entry);
        EntryPtr erase(Entry& entry);
        void double_buckets_when_full();
    };

    Shard& shard_of(const Key& key);

    std::size_t max_shard_bytes_;
    std::chrono::seconds time_to_live_;
    std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace sluice::cache
