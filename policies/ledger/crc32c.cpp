#include "policies/ledger/crc32c.hpp"

#include <array>
#include <cstring>

namespace sluice::policies {

namespace {

constexpr std::uint32_t kReversedPolynomial = 0x82f63b78U;

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t value = byte;
        for (int bit = 0; bit < 8; ++bit) value = (value >> 1U) ^ ((value & 1U) != 0 ? kReversedPolynomial : 0U);
        table[byte] = value;
    }
    return table;
}
constexpr auto kTable = make_table();

std::uint32_t step(std::uint32_t crc, char byte) {
    return (crc >> 8U) ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xffU];
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_hardware(std::string_view bytes) {
    std::uint64_t crc = 0xffffffffU;
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + at, 8);
        crc = __builtin_ia32_crc32di(crc, word);
    }
    auto low = static_cast<std::uint32_t>(crc);
    for (; at < bytes.size(); ++at) low = __builtin_ia32_crc32qi(low, static_cast<unsigned char>(bytes[at]));
    return ~low;
}
#endif

}  // namespace

std::uint32_t detail::crc32c_portable(std::string_view bytes) {
    std::uint32_t crc = 0xffffffffU;
    for (const char byte : bytes) crc = step(crc, byte);
    return ~crc;
}

std::uint32_t crc32c(std::string_view bytes) {
#if defined(__x86_64__)
    static const bool hardware = __builtin_cpu_supports("sse4.2") != 0;
    if (hardware) return crc32c_hardware(bytes);
#endif
    return detail::crc32c_portable(bytes);
}

}  // namespace sluice::policies
