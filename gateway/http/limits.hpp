// What one connection may cost before, while and after it is served. Defaults are the figures of the HTTP edge; tests
// shorten times.
#pragma once

#include <chrono>
#include <cstddef>

namespace sluice::gateway {

struct HttpLimits {
    std::size_t max_header_bytes =
        32 * 1024;  // request line and fields; also the most that is buffered of what comes next
    std::size_t max_target_bytes = 8 * 1024;
    std::size_t max_header_fields = 100;
    std::size_t max_chunk_extension_bytes = 16 * 1024;  // in all of one request; they are dropped
    std::size_t max_discarded_body_bytes =
        64 * 1024;                                   // body of a refused request that is skipped to keep the connection
    std::size_t max_linger_bytes = 4 * 1024 * 1024;  // read and dropped after an answer that ends the connection
};

struct HttpTimeouts {
    using Duration = std::chrono::milliseconds;
    Duration handshake{10'000};
    Duration header{15'000};    // from its first byte to its last; also from accepting to the first byte
    Duration body_gap{15'000};  // between two reads of a body, and the head start its average rate gets
    Duration idle{75'000};      // between two requests
    Duration write_stall{30'000};
    Duration linger{500};
    Duration half_closed{1'000};  // a client that sent its FIN may still read; one this long after it counts as gone
    std::size_t min_body_bytes_per_s = 1000;
};

}  // namespace sluice::gateway
