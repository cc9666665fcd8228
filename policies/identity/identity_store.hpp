// Teams and keys in DIRECTORY/identity.db. The CLI writes while a gateway runs: the gateway's KeyRing notices.
// Keys are `sk-sluice-` and 43 characters (256 bits), shown once and stored as HMAC-SHA-256 under DIRECTORY/pepper.
// Blocking; one object per thread.
#pragma once

#include "core/caller.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::policies {

struct Team {
    core::TeamId id;
    std::string name;
    core::DataClass floor = core::DataClass::Public;
    core::Caps caps;
    std::int64_t created_nanoseconds = 0;
};

struct Key {
    core::KeyId id;
    core::TeamId team;
    std::string team_name;
    std::string name;
    std::string shown;  // "sk-sluice-AbC1...": enough to recognise it, too little to use it
    core::Caps caps;
    std::int64_t created_nanoseconds = 0;
    std::optional<std::int64_t> revoked_nanoseconds;
};

struct NewKey {
    Key key;
    core::Secret token;  // the only time it exists in clear
};

class IdentityStore {
public:
    static core::Result<IdentityStore> open(const std::filesystem::path& directory);  // makes what is missing
    IdentityStore(IdentityStore&&) noexcept;
    IdentityStore& operator=(IdentityStore&&) noexcept;
    ~IdentityStore();

    // Names: 1 to 64 of a-z A-Z 0-9 . _ - and space inside, unique among teams, keys unique within their team.
    // InvalidRequest names what is wrong; NotFound names the team or key that is missing.
    core::Result<Team> add_team(const std::string& name, core::DataClass floor = core::DataClass::Public,
                                core::Caps caps = {});
    core::Result<Team> find_team(const std::string& name) const;
    core::Result<std::vector<Team>> list_teams() const;
    core::Result<void> set_team_caps(const std::string& team, core::Caps caps);  // nullopt removes a cap
    core::Result<void> set_team_floor(const std::string& team, core::DataClass floor);

    core::Result<NewKey> create_key(const std::string& team, const std::string& name, core::Caps caps = {});
    core::Result<std::vector<Key>> list_keys(
        const std::optional<std::string>& team = std::nullopt) const;  // revoked ones too
    core::Result<void> set_key_caps(core::KeyId key, core::Caps caps);
    // Final. Revoking a revoked key changes nothing. A gateway refuses it within a second.
    core::Result<void> revoke_key(core::KeyId key);
    // `reference`: a key's id as a decimal, its name when one key only has it, or the start of it as shown.
    core::Result<Key> find_key(const std::string& reference) const;

private:
    struct State;
    explicit IdentityStore(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace sluice::policies
