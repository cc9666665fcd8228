#include "core/ulid.hpp"

#include <string_view>

#include "core/crypto.hpp"

namespace sluice::core {

namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";  // in the order of its bytes

// `count` characters for the lowest 5 * count bits.
void append_base32(std::string& out, std::uint64_t bits, unsigned count) {
    while (count-- > 0) out += kAlphabet[(bits >> (5U * count)) & 31U];
}

}  // namespace

std::string make_ulid(std::int64_t unix_milliseconds) {
    std::string out;
    out.reserve(26);
    append_base32(out, static_cast<std::uint64_t>(unix_milliseconds) & 0xffff'ffff'ffffU, 10);
    const std::string random = random_bytes(10);
    for (const std::size_t half : {0U, 5U}) {
        std::uint64_t bits = 0;
        for (std::size_t i = 0; i < 5; ++i) bits = bits << 8U | static_cast<unsigned char>(random[half + i]);
        append_base32(out, bits, 8);
    }
    return out;
}

}  // namespace sluice::core
