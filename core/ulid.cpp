#include "core/ulid.hpp"

#include <array>
#include <string_view>

#include "core/crypto.hpp"

namespace sluice::core {

namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";  // in the order of its bytes

// `count` characters for the lowest 5 * count bits.
char* write_base32(char* to, std::uint64_t bits, unsigned count) {
    while (count-- > 0) *to++ = kAlphabet[(bits >> (5U * count)) & 31U];
    return to;
}

}  // namespace

std::string make_ulid(std::int64_t unix_milliseconds) {
    std::array<char, 26> out{};
    char* to = write_base32(out.data(), static_cast<std::uint64_t>(unix_milliseconds) & 0xffff'ffff'ffffU, 10);
    const std::string random = random_bytes(10);
    for (const std::size_t half : {0U, 5U}) {
        std::uint64_t bits = 0;
        for (std::size_t i = 0; i < 5; ++i) bits = bits << 8U | static_cast<unsigned char>(random[half + i]);
        to = write_base32(to, bits, 8);
    }
    return {out.data(), out.size()};
}

}  // namespace sluice::core
