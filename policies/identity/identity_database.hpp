// identity.db: its tables, and opening it together with the pepper.
#pragma once

#include "core/data_class.hpp"
#include "policies/identity/key_hasher.hpp"
#include "policies/sqlite.hpp"

#include <filesystem>

namespace sluice::policies {

struct IdentityDatabase {
    Database database;
    KeyHasher hasher;

    // Makes the folder, the tables and the pepper when they are missing.
    static core::Result<IdentityDatabase> open(const std::filesystem::path& directory);
};

}  // namespace sluice::policies
