// The prompt cache: complete answers under exact keys. What is stored are good answers only: never errors, never cut
// streams (the caller sees to that). A cache that is down, slow or corrupt is a miss and never an error.
#pragma once

#include "cache/cache_key.hpp"
#include "core/async.hpp"
#include "core/chat.hpp"
#include "core/data_class.hpp"
#include "core/usage.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice::cache {

class MemoryCache;

struct CachedReply {
    std::string body = {};                 // plain requests: the chat.completion object
    std::vector<std::string> chunks = {};  // streams: the chat.completion.chunk objects, replayed as a stream
    core::Usage usage = {};                // of the call that made the answer; a hit itself costs nothing
    std::string target = {};               // who answered, "deepseek/deepseek-chat"
    core::Zone zone = core::Zone::Local;   // where; an answer of the local zone never leaves the process

    friend bool operator==(const CachedReply&, const CachedReply&) = default;
};

class ResponseCache {
public:
    ResponseCache() = default;
    ResponseCache(const ResponseCache&) = delete;
    ResponseCache& operator=(const ResponseCache&) = delete;
    virtual ~ResponseCache() = default;

    virtual core::awaitable<std::optional<CachedReply>> find(const Key& key) = 0;
    virtual core::awaitable<void> store(const Key& key, CachedReply reply) = 0;

    // The one that is all of this cache and in this process, where nothing has to be waited for; null: there is none.
    virtual MemoryCache* in_process() { return nullptr; }
};

struct CachePolicy {
    enum class Keep {
        Nothing,
        Deterministic,  // answers to requests with temperature 0 or a seed
        All,
    };
    Keep keep = Keep::All;
};

// Whether an answer to this request may be looked up and kept at all.
bool is_cacheable(const core::ChatRequest& request, const CachePolicy& policy);

}  // namespace sluice::cache
