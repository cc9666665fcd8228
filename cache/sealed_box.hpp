// Authenticated encryption of bytes that leave the process: AES-256-GCM with a random nonce per seal.
// Immutable after construction; used by several threads at once.
#pragma once

#include "core/crypto.hpp"
#include "core/secret.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::cache {

class SealedBox {
public:
    // The key is derived from `secret` for this `purpose`, so that the secret may serve others too.
    SealedBox(const core::Secret& secret, std::string_view purpose);

    // `context` is not stored but must be the same to open: an entry moved elsewhere does not open.
    std::string seal(std::string_view plain, std::string_view context) const;
    // nullopt: not sealed by this box for this context, or changed since.
    std::optional<std::string> open(std::string_view sealed, std::string_view context) const;

private:
    core::Secret key_;  // 32 bytes
};

}  // namespace sluice::cache
