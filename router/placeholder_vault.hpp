// The values of conversations whose policy keeps them (redact.sticky), so that their placeholders stay the same when
// the client leaves earlier turns out. Each conversation's map is sealed with AES-256-GCM under a key of its own,
// derived from the team's secret; the key of the table is the team and the conversation. In this process only: bounded
// bytes, the least recently used leave first, each after its time. Thread-safe.
#pragma once

#include "core/caller.hpp"
#include "core/secret.hpp"
#include "policies/sensitivity/conversation_memory.hpp"
#include "policies/sensitivity/placeholder.hpp"

#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace sluice::router {

class PlaceholderVault {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::size_t kMostBytes = std::size_t{64} << 20U;

    explicit PlaceholderVault(std::size_t most_bytes = kMostBytes) : most_bytes_(most_bytes) {}

    // `key`: of this conversation (TeamLabels::conversation_key). Empty when nothing is kept, or it does not open.
    policies::PlaceholderMap find(core::TeamId team, const policies::ConversationId& conversation,
                                  const core::Secret& key, Clock::time_point now = Clock::now());
    void store(core::TeamId team, const policies::ConversationId& conversation, const core::Secret& key,
               const policies::PlaceholderMap& map, std::chrono::seconds keep, Clock::time_point now = Clock::now());
    std::size_t bytes() const;

private:
    using Name = std::pair<std::int64_t, policies::ConversationId>;
    struct Entry {
        Name name;
        std::string sealed;
        Clock::time_point expires;
    };
    using Entries = std::list<Entry>;  // most recently used first
    void erase(Entries::iterator entry);

    std::size_t most_bytes_;
    mutable std::mutex mutex_;
    Entries entries_;
    std::map<Name, Entries::iterator> index_;
    std::size_t bytes_ = 0;
};

}  // namespace sluice::router
