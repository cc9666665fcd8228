// Decisions of the last moments, so that one can be asked for before SQLite has it. Bounded: what is applied goes first
// when the limit is reached. Thread-safe.
//
// Written for every request and read for few: texts stand one behind the other in blocks and are found by going through
// the hashes of their ids, so that adding one touches no memory that the processor has not just had.
#pragma once

#include "core/caller.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::policies {

class RecentDecisions {
public:
    explicit RecentDecisions(std::size_t max_bytes) : max_bytes_(max_bytes) {}

    // Of two with one id the first is found.
    void add(std::uint64_t sequence, std::string_view id, core::TeamId team, std::string_view json);
    // Everything up to `sequence` is in SQLite.
    void applied(std::uint64_t sequence);

    struct Found {
        core::TeamId team;
        std::string json;
    };
    std::optional<Found> find(std::string_view id) const;

private:
    struct Block {
        std::unique_ptr<char[]> text;
        std::size_t size = 0;
        std::size_t used = 0;
        std::size_t entries = 0;
    };
    struct Entry {
        std::uint64_t sequence;
        std::size_t id_hash;
        core::TeamId team;
        const char* text;  // in a block: the id, then the JSON
        std::uint32_t id_size;
        std::uint32_t json_size;
        std::size_t bytes() const;
    };
    char* room_for(std::size_t size);
    void trim();

    const std::size_t max_bytes_;
    mutable std::mutex mutex_;
    std::deque<Block> blocks_;  // the newest is written
    std::deque<Entry> entries_;
    std::size_t bytes_ = 0;
    std::uint64_t applied_ = 0;
};

}  // namespace sluice::policies
