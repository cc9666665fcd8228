#include "policies/ledger/recent_decisions.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>

namespace sluice::policies {

namespace {

constexpr std::size_t kHardFactor = 8;  // when SQLite does not follow: this many times the limit, applied or not
constexpr std::size_t kBlockBytes = std::size_t{64} << 10U;
constexpr std::size_t kMostText = std::numeric_limits<std::uint32_t>::max();

std::size_t hash_of(std::string_view id) {
    return std::hash<std::string_view>{}(id);
}

}  // namespace

std::size_t RecentDecisions::Entry::bytes() const {
    return std::size_t{id_size} + json_size + sizeof(Entry);
}

char* RecentDecisions::room_for(std::size_t size) {
    if (blocks_.empty() || blocks_.back().size - blocks_.back().used < size) {
        const std::size_t block = std::max(size, std::min(kBlockBytes, max_bytes_ / 8));
        blocks_.push_back({.text = std::make_unique_for_overwrite<char[]>(block), .size = block});
    }
    Block& block = blocks_.back();
    char* room = block.text.get() + block.used;
    block.used += size;
    ++block.entries;
    return room;
}

void RecentDecisions::add(std::uint64_t sequence, std::string_view id, core::TeamId team, std::string_view json) {
    if (id.size() > kMostText || json.size() > kMostText) return;
    const std::size_t hash = hash_of(id);
    const std::lock_guard lock{mutex_};
    char* text = room_for(id.size() + json.size());
    std::memcpy(text, id.data(), id.size());
    std::memcpy(text + id.size(), json.data(), json.size());
    entries_.push_back({.sequence = sequence,
                        .id_hash = hash,
                        .team = team,
                        .text = text,
                        .id_size = static_cast<std::uint32_t>(id.size()),
                        .json_size = static_cast<std::uint32_t>(json.size())});
    bytes_ += entries_.back().bytes();
    trim();
}

void RecentDecisions::applied(std::uint64_t sequence) {
    const std::lock_guard lock{mutex_};
    applied_ = sequence;
    trim();
}

void RecentDecisions::trim() {
    while (bytes_ > max_bytes_ && !entries_.empty()) {
        const Entry& oldest = entries_.front();
        if (oldest.sequence > applied_ && bytes_ <= max_bytes_ * kHardFactor) return;
        bytes_ -= oldest.bytes();
        entries_.pop_front();
        if (--blocks_.front().entries == 0) blocks_.pop_front();
    }
}

std::optional<RecentDecisions::Found> RecentDecisions::find(std::string_view id) const {
    const std::size_t hash = hash_of(id);
    const std::lock_guard lock{mutex_};
    for (const Entry& entry : entries_) {
        if (entry.id_hash != hash || std::string_view{entry.text, entry.id_size} != id) continue;
        return Found{.team = entry.team, .json = std::string{entry.text + entry.id_size, entry.json_size}};
    }
    return std::nullopt;
}

}  // namespace sluice::policies
