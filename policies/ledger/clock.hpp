// Wall-clock time of the ledger, injectable, and the UTC calendar that budget windows are cut from.
// Durations elsewhere come from the monotonic clock; wall time only labels records and chooses windows.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace sluice::policies {

// Nanoseconds since 1970-01-01T00:00:00Z. Called from any thread.
using WallClock = std::function<std::int64_t()>;
WallClock system_wall_clock();

// Days since 1970-01-01, and months since 1970-01: the labels of budget windows. Both may be negative.
std::int32_t day_of(std::int64_t unix_nanoseconds);
std::int32_t month_of_day(std::int32_t day);
std::int32_t first_day_of_month(std::int32_t month);

std::string format_day(std::int32_t day);               // "2026-11-24"
std::string format_utc(std::int64_t unix_nanoseconds);  // "2026-11-24T08:15:00Z"
std::int64_t start_of_day(std::int32_t day);            // in unix nanoseconds

}  // namespace sluice::policies
