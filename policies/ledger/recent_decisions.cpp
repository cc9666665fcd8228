#include "policies/ledger/recent_decisions.hpp"

#include <utility>

namespace sluice::policies {

namespace {

constexpr std::size_t kOverhead = 160;  // of one entry besides its text
constexpr std::size_t kHardFactor = 8;  // when SQLite does not follow: this many times the limit, applied or not

}  // namespace

void RecentDecisions::add(std::uint64_t sequence, std::string id, core::TeamId team, std::string json) {
    const std::lock_guard lock{mutex_};
    const std::size_t size = id.size() + json.size() + kOverhead;
    const auto [entry, added] =
        entries_.try_emplace(std::move(id), Entry{.sequence = sequence, .team = team, .json = std::move(json)});
    if (!added) return;  // the first one keeps its id
    order_.emplace_back(sequence, &entry->first);
    bytes_ += size;
    trim();
}

void RecentDecisions::applied(std::uint64_t sequence) {
    const std::lock_guard lock{mutex_};
    applied_ = sequence;
    trim();
}

void RecentDecisions::trim() {
    while (bytes_ > max_bytes_ && !order_.empty()) {
        const auto [sequence, id] = order_.front();
        if (sequence > applied_ && bytes_ <= max_bytes_ * kHardFactor) return;
        const auto entry = entries_.find(*id);
        bytes_ -= entry->first.size() + entry->second.json.size() + kOverhead;
        order_.pop_front();
        entries_.erase(entry);
    }
}

std::optional<RecentDecisions::Found> RecentDecisions::find(const std::string& id) const {
    const std::lock_guard lock{mutex_};
    const auto found = entries_.find(id);
    if (found == entries_.end()) return std::nullopt;
    return Found{.team = found->second.team, .json = found->second.json};
}

}  // namespace sluice::policies
