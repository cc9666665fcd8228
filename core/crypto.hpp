// The few cryptographic operations several layers need, over OpenSSL. Throws std::runtime_error only if OpenSSL itself fails.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/secret.hpp"

namespace sluice::core {

using Digest = std::array<std::uint8_t, 32>;

Digest sha256(std::string_view bytes);

// HMAC-SHA-256 (RFC 2104) with a key set up once: what both hashes have read of it is kept, so mac() costs one compression
// per 64 bytes and two at the end. Copyable, safe to use from many threads.
class Hmac {
public:
    explicit Hmac(const Secret& key);
    Digest mac(std::string_view bytes) const;

private:
    using State = std::array<std::uint32_t, 8>;  // of SHA-256 after one block
    State inner_{};
    State outer_{};
};

bool equal_in_constant_time(const Digest& a, const Digest& b);
std::string to_hex(std::string_view bytes);
std::string to_hex(const Digest& digest);
// `size` bytes from the operating system's generator.
std::string random_bytes(std::size_t size);
// `bytes` random bytes in URL-safe base64 without padding: keys, ids.
std::string random_token(std::size_t bytes);

}  // namespace sluice::core
