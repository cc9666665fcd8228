#include "router/placeholder_vault.hpp"

#include "cache/sealed_box.hpp"

#include <iterator>

namespace sluice::router {

namespace {

constexpr std::string_view kPurpose = "sluice placeholders of a conversation 1";

std::string context_of(core::TeamId team, const policies::ConversationId& conversation) {
    std::string out = std::to_string(team.value) + ":";
    out.append(conversation.begin(), conversation.end());
    return out;
}

}  // namespace

void PlaceholderVault::erase(Entries::iterator entry) {
    bytes_ -= entry->sealed.size();
    index_.erase(entry->name);
    entries_.erase(entry);
}

policies::PlaceholderMap PlaceholderVault::find(core::TeamId team, const policies::ConversationId& conversation,
                                                const core::Secret& key, Clock::time_point now) {
    std::string sealed;
    {
        const std::lock_guard lock(mutex_);
        const auto found = index_.find({team.value, conversation});
        if (found == index_.end()) return {};
        if (now >= found->second->expires) {
            erase(found->second);
            return {};
        }
        entries_.splice(entries_.begin(), entries_, found->second);
        sealed = found->second->sealed;
    }
    policies::PlaceholderMap map;
    auto opened = cache::SealedBox{key, kPurpose}.open(sealed, context_of(team, conversation));
    if (!opened) return {};
    const core::Secret plain{std::move(*opened)};  // wiped when it goes
    policies::PlaceholderMap::decode(plain.expose(), map);
    return map;
}

void PlaceholderVault::store(core::TeamId team, const policies::ConversationId& conversation, const core::Secret& key,
                             const policies::PlaceholderMap& map, std::chrono::seconds keep, Clock::time_point now) {
    const core::Secret plain{map.encode()};  // wiped when it goes
    Entry entry{{team.value, conversation},
                cache::SealedBox{key, kPurpose}.seal(plain.expose(), context_of(team, conversation)),
                now + keep};
    if (entry.sealed.size() > most_bytes_) return;
    const std::lock_guard lock(mutex_);
    if (const auto found = index_.find(entry.name); found != index_.end()) erase(found->second);
    while (bytes_ + entry.sealed.size() > most_bytes_) erase(std::prev(entries_.end()));
    bytes_ += entry.sealed.size();
    entries_.push_front(std::move(entry));
    index_.emplace(entries_.front().name, entries_.begin());
}

std::size_t PlaceholderVault::bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
}

}  // namespace sluice::router
