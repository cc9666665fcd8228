// Decisions of the last moments, so that one can be asked for before SQLite has it. Bounded: what is applied goes first
// when the limit is reached. Thread-safe.
#pragma once

#include "core/caller.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace sluice::policies {

class RecentDecisions {
public:
    explicit RecentDecisions(std::size_t max_bytes) : max_bytes_(max_bytes) {}

    void add(std::uint64_t sequence, std::string id, core::TeamId team, std::string json);
    // Everything up to `sequence` is in SQLite.
    void applied(std::uint64_t sequence);

    struct Found {
        core::TeamId team;
        std::string json;
    };
    std::optional<Found> find(const std::string& id) const;

private:
    struct Entry {
        std::uint64_t sequence;
        core::TeamId team;
        std::string json;
    };
    using Entries = std::unordered_map<std::string, Entry>;
    void trim();

    const std::size_t max_bytes_;
    mutable std::mutex mutex_;
    Entries entries_;
    std::deque<std::pair<std::uint64_t, const std::string*>> order_;  // points at the keys of entries_
    std::size_t bytes_ = 0;
    std::uint64_t applied_ = 0;
};

}  // namespace sluice::policies
