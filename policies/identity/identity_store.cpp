#include "policies/identity/identity_store.hpp"

#include "policies/identity/identity_database.hpp"
#include "policies/ledger/clock.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::policies {

namespace {

using core::Errc;
using core::Error;
using core::Result;

constexpr std::string_view kKeyPrefix = "sk-sluice-";
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kShownCharacters = 6;  // of the random part: 36 of 256 bits

std::int64_t now() {
    return system_wall_clock()();
}

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-' || c == ' ';
}

Result<void> check_name(const std::string& name, const char* what) {
    const bool fits = !name.empty() && name.size() <= 64 && name.front() != ' ' && name.back() != ' ';
    if (fits && std::ranges::all_of(name, is_name_character)) return {};
    return Error{Errc::InvalidRequest,
                 std::string{"the name of a "} + what +
                     " has 1 to 64 letters, digits, '.', '_', '-' or spaces, and no space at its ends",
                 "name"};
}

Result<void> check_caps(const core::Caps& caps) {
    for (const auto& cap : {caps.daily, caps.monthly})
        if (cap && cap->value < 0) return Error{Errc::InvalidRequest, "a cap cannot be negative", "caps"};
    return {};
}

std::optional<std::int64_t> nano(const std::optional<core::NanoUsd>& amount) {
    return amount ? std::optional{amount->value} : std::nullopt;
}

core::Caps caps_at(const Statement& row, int column) {
    core::Caps caps;
    if (const auto daily = row.optional_integer(column)) caps.daily = core::NanoUsd{*daily};
    if (const auto monthly = row.optional_integer(column + 1)) caps.monthly = core::NanoUsd{*monthly};
    return caps;
}

Result<Team> team_at(const Statement& row) {
    const auto floor = core::parse_data_class(row.text(2));
    if (!floor) return Error{Errc::Corrupt, "identity.db: team " + row.text(1) + " has no valid floor"};
    return Team{.id = {row.integer(0)},
                .name = row.text(1),
                .floor = *floor,
                .caps = caps_at(row, 3),
                .created_nanoseconds = row.integer(5)};
}

Key key_at(const Statement& row) {
    return Key{.id = {row.integer(0)},
               .team = {row.integer(1)},
               .team_name = row.text(2),
               .name = row.text(3),
               .shown = row.text(4),
               .caps = caps_at(row, 5),
               .created_nanoseconds = row.integer(7),
               .revoked_nanoseconds = row.optional_integer(8)};
}

Error no_team(const std::string& name) {
    return Error{Errc::NotFound, "there is no team named \"" + name + "\"", "team"};
}
Error no_key(core::KeyId id) {
    return Error{Errc::NotFound, "there is no key " + std::to_string(id.value), "key"};
}

}  // namespace

struct IdentityStore::State {
    IdentityDatabase identity;

    Database& database() { return identity.database; }
};

IdentityStore::IdentityStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
IdentityStore::IdentityStore(IdentityStore&&) noexcept = default;
IdentityStore& IdentityStore::operator=(IdentityStore&&) noexcept = default;
IdentityStore::~IdentityStore() = default;

Result<IdentityStore> IdentityStore::open(const std::filesystem::path& directory) {
    auto identity = IdentityDatabase::open(directory);
    if (!identity) return identity.error();
    return IdentityStore{std::make_unique<State>(State{std::move(*identity)})};
}

Result<Team> IdentityStore::add_team(const std::string& name, core::DataClass floor, core::Caps caps) {
    if (auto valid = check_name(name, "team"); !valid) return valid.error();
    if (auto valid = check_caps(caps); !valid) return valid.error();
    auto insert = state_->database().prepare(
        "INSERT INTO teams(name, floor, daily, monthly, created) VALUES(?,?,?,?,?) ON CONFLICT(name) DO NOTHING");
    if (!insert) return insert.error();
    if (auto added = insert->run(name, core::to_string(floor), nano(caps.daily), nano(caps.monthly), now()); !added)
        return added.error();
    if (state_->database().changes() == 0)
        return Error{Errc::InvalidRequest, "there is a team named \"" + name + "\" already", "name"};
    return find_team(name);
}

Result<Team> IdentityStore::find_team(const std::string& name) const {
    auto rows = state_->database().prepare("SELECT id, name, floor, daily, monthly, created FROM teams WHERE name = ?");
    if (!rows) return rows.error();
    const auto row = rows->bind(name).step();
    if (!row) return row.error();
    if (!*row) return no_team(name);
    return team_at(*rows);
}

Result<std::vector<Team>> IdentityStore::list_teams() const {
    auto rows = state_->database().prepare("SELECT id, name, floor, daily, monthly, created FROM teams ORDER BY name");
    if (!rows) return rows.error();
    std::vector<Team> teams;
    for (;;) {
        const auto row = rows->step();
        if (!row) return row.error();
        if (!*row) return teams;
        auto team = team_at(*rows);
        if (!team) return team.error();
        teams.push_back(std::move(*team));
    }
}

Result<void> IdentityStore::set_team_caps(const std::string& team, core::Caps caps) {
    if (auto valid = check_caps(caps); !valid) return valid;
    auto update = state_->database().prepare("UPDATE teams SET daily = ?, monthly = ? WHERE name = ?");
    if (!update) return update.error();
    if (auto updated = update->run(nano(caps.daily), nano(caps.monthly), team); !updated) return updated;
    if (state_->database().changes() == 0) return no_team(team);
    return {};
}

Result<void> IdentityStore::set_team_floor(const std::string& team, core::DataClass floor) {
    auto update = state_->database().prepare("UPDATE teams SET floor = ? WHERE name = ?");
    if (!update) return update.error();
    if (auto updated = update->run(core::to_string(floor), team); !updated) return updated;
    if (state_->database().changes() == 0) return no_team(team);
    return {};
}

Result<NewKey> IdentityStore::create_key(const std::string& team, const std::string& name, core::Caps caps) {
    if (auto valid = check_name(name, "key"); !valid) return valid.error();
    if (auto valid = check_caps(caps); !valid) return valid.error();
    const auto owner = find_team(team);
    if (!owner) return owner.error();
    auto insert = state_->database().prepare(
        "INSERT INTO keys(team, name, hash, shown, daily, monthly, created) VALUES(?,?,?,?,?,?,?)"
        " ON CONFLICT(team, name) DO NOTHING");
    if (!insert) return insert.error();
    core::Secret token{std::string{kKeyPrefix} + core::random_token(kKeyBytes)};
    const auto hash = state_->identity.hasher.hash(token.expose());
    const std::string shown{token.expose().substr(0, kKeyPrefix.size() + kShownCharacters)};
    const std::int64_t created = now();
    if (auto added = insert->run(owner->id.value, name, as_blob(hash), shown, nano(caps.daily), nano(caps.monthly), created);
        !added)
        return added.error();
    if (state_->database().changes() == 0)
        return Error{Errc::InvalidRequest, "team \"" + team + "\" has a key named \"" + name + "\" already", "name"};
    Key key{.id = {state_->database().last_insert_rowid()},
            .team = owner->id,
            .team_name = owner->name,
            .name = name,
            .shown = shown,
            .caps = caps,
            .created_nanoseconds = created,
            .revoked_nanoseconds = std::nullopt};
    return NewKey{.key = std::move(key), .token = std::move(token)};
}

Result<std::vector<Key>> IdentityStore::list_keys(const std::optional<std::string>& team) const {
    std::optional<std::int64_t> only;
    if (team) {
        const auto found = find_team(*team);
        if (!found) return found.error();
        only = found->id.value;
    }
    auto rows = state_->database().prepare(
        "SELECT k.id, k.team, t.name, k.name, k.shown, k.daily, k.monthly, k.created, k.revoked FROM keys k"
        " JOIN teams t ON t.id = k.team WHERE ?1 IS NULL OR k.team = ?1 ORDER BY k.id");
    if (!rows) return rows.error();
    rows->bind(only);
    std::vector<Key> keys;
    for (;;) {
        const auto row = rows->step();
        if (!row) return row.error();
        if (!*row) return keys;
        keys.push_back(key_at(*rows));
    }
}

Result<void> IdentityStore::set_key_caps(core::KeyId key, core::Caps caps) {
    if (auto valid = check_caps(caps); !valid) return valid;
    auto update = state_->database().prepare("UPDATE keys SET daily = ?, monthly = ? WHERE id = ?");
    if (!update) return update.error();
    if (auto updated = update->run(nano(caps.daily), nano(caps.monthly), key.value); !updated) return updated;
    if (state_->database().changes() == 0) return no_key(key);
    return {};
}

Result<void> IdentityStore::revoke_key(core::KeyId key) {
    auto update = state_->database().prepare("UPDATE keys SET revoked = coalesce(revoked, ?) WHERE id = ?");
    if (!update) return update.error();
    if (auto updated = update->run(now(), key.value); !updated) return updated;
    if (state_->database().changes() == 0) return no_key(key);
    return {};
}

Result<Key> IdentityStore::find_key(const std::string& reference) const {
    const auto keys = list_keys();
    if (!keys) return keys.error();
    std::int64_t number = 0;
    const auto* end = reference.data() + reference.size();
    const auto [stop, failed] = std::from_chars(reference.data(), end, number);
    if (failed == std::errc{} && stop == end) {
        for (const auto& key : *keys)
            if (key.id.value == number) return key;
    }
    // Somebody may paste the whole key, of which only the start is known.
    const bool is_token = reference.starts_with(kKeyPrefix) && reference.size() >= kKeyPrefix.size() + kShownCharacters;
    std::vector<const Key*> matching;
    for (const auto& key : *keys)
        if (key.name == reference || (is_token && reference.starts_with(key.shown))) matching.push_back(&key);
    if (matching.size() == 1) return *matching.front();
    if (matching.empty())
        return Error{Errc::NotFound, "no key has that id, name or beginning; see `sluice keys list`", "key"};
    return Error{Errc::InvalidRequest, "several keys match; give the id that `sluice keys list` shows", "key"};
}

}  // namespace sluice::policies
