// How long an upstream may take and how much it may send. Providers are not trusted: every bound is enforced.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::providers {

struct UpstreamTimeouts {
    std::chrono::milliseconds connect{5'000};      // name resolution and TCP; also the wait for a free connection
    std::chrono::milliseconds handshake{5'000};    // TLS
    std::chrono::milliseconds first_byte{60'000};  // from the request sent to the end of the response header
    std::chrono::milliseconds idle{120'000};       // longest silence inside an answer
    std::chrono::milliseconds keep_alive{60'000};  // an unused connection is closed after this
};

inline constexpr std::uint32_t kMaxHeaderBytes = 64U << 10U;
inline constexpr std::uint64_t kMaxBodyBytes = std::uint64_t{16} << 20U;   // of plain answers
inline constexpr std::uint64_t kMaxStreamBytes = std::uint64_t{1} << 30U;  // passed on as they come, never held
inline constexpr std::size_t kMaxEventBytes = std::size_t{1} << 20U;       // of one server-sent event
inline constexpr std::uint64_t kMaxErrorBytes = std::uint64_t{64} << 10U;  // of the body of an error answer
inline constexpr int kMaxInformational = 8;                                // 1xx answers before the real one

}  // namespace sluice::providers
