#include "policies/identity/identity_database.hpp"

namespace sluice::policies {

namespace {

using core::Errc;
using core::Error;
using core::Result;

constexpr std::int64_t kVersion = 1;
constexpr Sql kSchema = R"sql(
CREATE TABLE teams(
    id      INTEGER PRIMARY KEY AUTOINCREMENT,   -- never given twice: ledger entries point at it
    name    TEXT NOT NULL UNIQUE,
    floor   TEXT NOT NULL,
    daily   INTEGER CHECK(daily >= 0),           -- caps in nano-USD, NULL: none
    monthly INTEGER CHECK(monthly >= 0),
    created INTEGER NOT NULL                     -- unix nanoseconds
) STRICT;
CREATE TABLE keys(
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    team    INTEGER NOT NULL REFERENCES teams(id),
    name    TEXT NOT NULL,
    hash    BLOB NOT NULL UNIQUE,                -- HMAC-SHA-256 of the key under the pepper
    shown   TEXT NOT NULL,
    daily   INTEGER CHECK(daily >= 0),
    monthly INTEGER CHECK(monthly >= 0),
    created INTEGER NOT NULL,
    revoked INTEGER,
    UNIQUE(team, name)
) STRICT;
PRAGMA user_version = 1;
)sql";

Result<void> make_tables(Database& database) {
    // Two processes may start at once: look again inside the transaction.
    auto transaction = Transaction::begin(database);
    if (!transaction) return transaction.error();
    const auto version = database.query_integer("PRAGMA user_version");
    if (!version) return version.error();
    if (*version > kVersion || *version < 0)
        return Error{Errc::Corrupt, database.path().string() + " has version " + std::to_string(*version) +
                                        ", this program knows version " + std::to_string(kVersion)};
    if (*version == kVersion) return {};
    if (auto made = database.execute(kSchema); !made) return made;
    return transaction->commit();
}

}  // namespace

Result<IdentityDatabase> IdentityDatabase::open(const std::filesystem::path& directory) {
    if (auto made = make_private_directory(directory); !made) return made.error();
    auto database = Database::open(directory / "identity.db", Database::Access::ReadWrite);
    if (!database) return database.error();
    if (auto sound = database->check(); !sound) return sound.error();
    if (auto made = make_tables(*database); !made) return made.error();
    const auto keys = database->query_integer("SELECT count(*) FROM keys");
    if (!keys) return keys.error();
    auto hasher = KeyHasher::open(directory, *keys == 0 ? MissingPepper::Make : MissingPepper::Refuse);
    if (!hasher) return hasher.error();
    return IdentityDatabase{std::move(*database), *hasher};
}

}  // namespace sluice::policies
