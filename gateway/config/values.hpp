// Values as people write them in the configuration and on the command line. Pure functions; nullopt: not such a value.
#pragma once

#include "core/result.hpp"
#include "gateway/config/load.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::gateway {

// Decimal digits with an optional minus, nothing else, within the range of int64.
std::optional<std::int64_t> parse_integer(std::string_view text);
// "65536", "64KiB", "16 MiB", "2GiB", and the decimal kB, MB, GB.
std::optional<std::uint64_t> parse_bytes(std::string_view text);
// "250ms", "30s", "10m", "1h"; a bare number counts seconds.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::optional<bool> parse_flag(std::string_view text);  // "true" or "false"

// Replaces each ${NAME}; "$${" is a literal "${". The error names the variable, never a value.
core::Result<std::string> expand_environment(std::string_view text, const Environment& environment);

// The candidate nearest to what was typed, when it is near enough to be a slip of the hand.
std::optional<std::string> nearest(std::string_view typed, std::span<const std::string> candidates);

}  // namespace sluice::gateway
