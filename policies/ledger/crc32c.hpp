// CRC-32C (Castagnoli): the checksum of journal records. Hardware instruction where the processor has it.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::policies {

std::uint32_t crc32c(std::string_view bytes);

namespace detail {
std::uint32_t crc32c_portable(std::string_view bytes);  // what crc32c means; tests compare the two
}

}  // namespace sluice::policies
