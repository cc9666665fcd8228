#include "policies/identity/key_ring.hpp"

#include "policies/identity/identity_database.hpp"

#include <spdlog/spdlog.h>

#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace sluice::policies {

namespace {

using core::Errc;
using core::Error;
using core::Result;

struct DigestHash {
    // A keyed hash is as good as random: any eight bytes of it will do.
    std::size_t operator()(const core::Digest& digest) const {
        std::size_t value = 0;
        std::memcpy(&value, digest.data(), sizeof value);
        return value;
    }
};

struct Entry {
    core::Digest digest{};
    std::shared_ptr<const core::Caller> caller;
};
using Snapshot = std::unordered_map<core::Digest, Entry, DigestHash>;

std::optional<core::NanoUsd> amount(const std::optional<std::int64_t>& value) {
    return value ? std::optional{core::NanoUsd{*value}} : std::nullopt;
}

Result<Entry> entry_at(const Statement& row) {
    const auto hash = row.blob(2);
    const auto floor = core::parse_data_class(row.text(6));
    Entry entry;
    if (hash.size() != entry.digest.size() || !floor)
        return Error{Errc::Corrupt, "identity.db: key " + row.text(0) + " is damaged"};
    std::memcpy(entry.digest.data(), hash.data(), hash.size());
    entry.caller = std::make_shared<const core::Caller>(
        core::Caller{.team = {row.integer(4)},
                     .team_name = row.text(5),
                     .key = {row.integer(0)},
                     .key_name = row.text(1),
                     .floor = *floor,
                     .team_caps = {amount(row.optional_integer(7)), amount(row.optional_integer(8))},
                     .key_caps = {amount(row.optional_integer(9)), amount(row.optional_integer(10))}});
    return entry;
}

Result<std::shared_ptr<const Snapshot>> read_keys(const Database& database) {
    auto rows = database.prepare(
        "SELECT k.id, k.name, k.hash, k.shown, t.id, t.name, t.floor, t.daily, t.monthly, k.daily, k.monthly"
        " FROM keys k JOIN teams t ON t.id = k.team WHERE k.revoked IS NULL");
    if (!rows) return rows.error();
    auto keys = std::make_shared<Snapshot>();
    for (;;) {
        const auto row = rows->step();
        if (!row) return row.error();
        if (!*row) return std::shared_ptr<const Snapshot>{std::move(keys)};
        auto entry = entry_at(*rows);
        if (!entry) return entry.error();
        keys->emplace(entry->digest, std::move(*entry));
    }
}

}  // namespace

struct KeyRing::State {
    explicit State(IdentityDatabase opened) : hasher(opened.hasher), database(std::move(opened.database)) {}

    std::shared_ptr<const Snapshot> current() const {
        const std::lock_guard lock{snapshot_mutex};
        return snapshot;
    }

    const KeyHasher hasher;
    mutable std::mutex snapshot_mutex;  // held for the copy of a pointer only
    std::shared_ptr<const Snapshot> snapshot;

    std::mutex database_mutex;
    Database database;
    std::int64_t data_version = 0;

    std::mutex stop_mutex;
    std::condition_variable stop_changed;
    bool stop = false;
    std::thread watcher;
};

KeyRing::KeyRing(std::unique_ptr<State> state) : state_(std::move(state)) {}

KeyRing::~KeyRing() {
    {
        const std::lock_guard lock{state_->stop_mutex};
        state_->stop = true;
    }
    state_->stop_changed.notify_one();
    if (state_->watcher.joinable()) state_->watcher.join();
}

Result<std::unique_ptr<KeyRing>> KeyRing::open(const std::filesystem::path& directory,
                                               std::chrono::milliseconds every) {
    auto identity = IdentityDatabase::open(directory);
    if (!identity) return identity.error();
    std::unique_ptr<KeyRing> ring{new KeyRing{std::make_unique<State>(std::move(*identity))}};
    if (const auto read = ring->refresh_if_changed(); !read) return read.error();
    if (every.count() > 0) ring->watch(every);
    return ring;
}

void KeyRing::watch(std::chrono::milliseconds every) {
    state_->watcher = std::thread{[this, every] {
        bool reported = false;
        std::unique_lock lock{state_->stop_mutex};
        while (!state_->stop_changed.wait_for(lock, every, [this] { return state_->stop; })) {
            lock.unlock();
            const auto refreshed = refresh_if_changed();
            if (!refreshed && !reported)
                spdlog::error("keys cannot be read, the last good ones stay: {}", describe(refreshed.error()));
            reported = !refreshed;
            lock.lock();
        }
    }};
}

std::shared_ptr<const core::Caller> KeyRing::authenticate(std::string_view token) const {
    const auto digest = state_->hasher.hash(token);
    const auto keys = state_->current();
    static const Entry nobody;
    const auto found = keys->find(digest);
    const Entry& entry = found != keys->end() ? found->second : nobody;
    return core::equal_in_constant_time(entry.digest, digest) ? entry.caller : nullptr;
}

Result<bool> KeyRing::refresh_if_changed() {
    const std::lock_guard lock{state_->database_mutex};
    // Changes whenever another connection commits; read before the keys, so that a commit in between is seen next time.
    const auto version = state_->database.query_integer("PRAGMA data_version");
    if (!version) return version.error();
    if (*version == state_->data_version) return false;
    auto keys = read_keys(state_->database);
    if (!keys) return keys.error();
    const std::lock_guard snapshot_lock{state_->snapshot_mutex};
    state_->snapshot = std::move(*keys);
    state_->data_version = *version;
    return true;
}

std::size_t KeyRing::size() const {
    return state_->current()->size();
}

}  // namespace sluice::policies
