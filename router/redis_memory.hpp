// Conversation labels in Redis: shared by replicas with the same secret, and there after a restart. Redis sees keyed
// hashes and sealed bytes only. A label has one entry per data class, so that two gateways that write at once cannot
// lower it. One per event loop.
#pragma once

#include "cache/redis_client.hpp"
#include "cache/sealed_box.hpp"
#include "policies/sensitivity/conversation_memory.hpp"

#include <chrono>
#include <span>
#include <utility>
#include <vector>

namespace sluice::router {

class RedisMemory {
public:
    static constexpr std::size_t kMostLabels = 4096;  // of one request; more cannot be asked for

    // The client outlives this; the secret is the one the labels are made with.
    RedisMemory(cache::RedisClient& client, const core::Secret& secret)
        : client_(client), box_(secret, "sluice conversation memory 1") {}

    // What is known of the labels, in their order, without those of which nothing is. Errors: Unavailable, Timeout,
    // Corrupt, TooLarge: then nobody knows what the conversation was.
    core::awaitable<core::Result<std::vector<policies::Remembered>>> find(
        std::span<const policies::MemoryLabel> labels);
    // False: not kept.
    core::awaitable<bool> store(std::span<const std::pair<policies::MemoryLabel, policies::Remembered>> entries,
                                std::chrono::seconds keep);

private:
    cache::RedisClient& client_;
    cache::SealedBox box_;
};

}  // namespace sluice::router
