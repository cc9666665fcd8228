// Values as people write them in the configuration and on the command line. Pure functions; nullopt: not such a value.
#pragma once

#include "core/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::gateway {

struct HostPort {
    std::string host;        // a name or an address; IPv6 without brackets
    std::uint16_t port = 0;  // 0: the system picks one
    friend bool operator==(const HostPort&, const HostPort&) = default;
};

// "127.0.0.1:8080", "[::1]:8080", "localhost:0".
std::optional<HostPort> parse_host_port(std::string_view text);
// The same with a numeric address, as a listening socket needs it; "localhost" is 127.0.0.1.
std::optional<HostPort> parse_listen_address(std::string_view text);
std::string to_string(const HostPort& address);  // brackets round IPv6
bool is_loopback(const HostPort& address);       // 127.0.0.0/8, ::1, "localhost"

using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

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
