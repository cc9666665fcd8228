// Turns a key into what is stored of it: HMAC-SHA-256 under the pepper of this installation (DIRECTORY/pepper, mode
// 0600). Without the pepper the stored hashes are useless, to a thief of the database and to us.
#pragma once

#include "core/crypto.hpp"
#include "core/result.hpp"

#include <filesystem>
#include <string_view>

namespace sluice::policies {

enum class MissingPepper { Make, Refuse };

class KeyHasher {
public:
    // Unavailable: unreadable, or readable by others. Corrupt: not a pepper, or missing with MissingPepper::Refuse.
    static core::Result<KeyHasher> open(const std::filesystem::path& directory, MissingPepper missing);
    core::Digest hash(std::string_view token) const { return hmac_.mac(token); }

private:
    explicit KeyHasher(const core::Secret& pepper) : hmac_(pepper) {}
    core::Hmac hmac_;
};

}  // namespace sluice::policies
