// Ids that sort by the time they were made: 48 bits of milliseconds, then 80 random bits, in 26 characters of Crockford's base32
// (github.com/ulid/spec). An index over them grows at its end; with random ids every new one changes another page of a database.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::core {

// `unix_milliseconds` since 1970, UTC; only its low 48 bits count. Any thread.
std::string make_ulid(std::int64_t unix_milliseconds);

}  // namespace sluice::core
