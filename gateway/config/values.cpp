#include "gateway/config/values.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <vector>

namespace sluice::gateway {
namespace {

bool name_character(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

bool host_character(char c) {
    return name_character(c) || c == '.' || c == '-';
}

// Digits at the front of `text`, which is advanced past them and the spaces that follow.
std::optional<std::uint64_t> take_number(std::string_view& text) {
    std::uint64_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    return value;
}

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

std::optional<std::uint64_t> parse_with_unit(std::string_view text, std::span<const Unit> units) {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    const auto unit = std::ranges::find(units, text, &Unit::name);
    if (unit == units.end()) return std::nullopt;
    const auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (*number > limit / unit->factor) return std::nullopt;
    return *number * unit->factor;
}

// Insertions, deletions, replacements and swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> two_back(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        two_back.swap(last);
        last.swap(row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], two_back[j - 2] + 1);
        }
    }
    return row[b.size()];
}

}  // namespace

Environment process_environment() {
    return [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        if (value == nullptr) return std::nullopt;
        return std::string(value);
    };
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
    static constexpr std::array kUnits{Unit{"", 1},
                                       Unit{"B", 1},
                                       Unit{"KiB", 1ULL << 10},
                                       Unit{"MiB", 1ULL << 20},
                                       Unit{"GiB", 1ULL << 30},
                                       Unit{"TiB", 1ULL << 40},
                                       Unit{"kB", 1000},
                                       Unit{"MB", 1'000'000},
                                       Unit{"GB", 1'000'000'000}};
    return parse_with_unit(text, kUnits);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    static constexpr std::array kUnits{Unit{"", 1000},    Unit{"ms", 1},        Unit{"s", 1000},
                                       Unit{"m", 60'000}, Unit{"h", 3'600'000}, Unit{"d", 86'400'000}};
    const auto value = parse_with_unit(text, kUnits);
    if (!value) return std::nullopt;
    return std::chrono::milliseconds(static_cast<std::int64_t>(*value));
}

std::optional<bool> parse_flag(std::string_view text) {
    if (text == "true") return true;
    if (text == "false") return false;
    return std::nullopt;
}

core::Result<std::string> expand_environment(std::string_view text, const Environment& environment) {
    std::string expanded;
    for (std::size_t at = 0; at < text.size();) {
        if (text.substr(at).starts_with("$${")) {
            expanded += "${";
            at += 3;
        } else if (text.substr(at).starts_with("${")) {
            const std::size_t end = text.find('}', at);
            const std::string name(text.substr(at + 2, end == std::string_view::npos ? end : end - at - 2));
            if (end == std::string_view::npos || name.empty() || !std::ranges::all_of(name, name_character)) {
                return core::Error{core::Errc::InvalidRequest, "a variable is written ${NAME}, a literal ${ as $${"};
            }
            const auto value = environment(name);
            if (!value) return core::Error{core::Errc::InvalidRequest, "the environment has no " + name};
            expanded += *value;
            at = end + 1;
        } else {
            expanded += text[at++];
        }
    }
    return expanded;
}

std::optional<std::string> nearest(std::string_view typed, std::span<const std::string> candidates) {
    std::optional<std::string> best;
    std::size_t best_distance = std::max<std::size_t>(1, typed.size() / 3) + 1;
    for (const std::string& candidate : candidates) {
        const std::size_t distance = edit_distance(typed, candidate);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidate;
        }
    }
    return best;
}

std::optional<HostPort> parse_host_port(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view host = text.substr(0, colon);
    const auto port = parse_integer(text.substr(colon + 1));
    if (!port || *port < 0 || *port > 65535 || text[colon + 1] == '-') return std::nullopt;

    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) {
        host = host.substr(1, host.size() - 2);
        boost::system::error_code wrong;
        boost::asio::ip::make_address_v6(std::string(host), wrong);
        if (wrong) return std::nullopt;
    } else if (host.empty() || !std::ranges::all_of(host, host_character)) {
        return std::nullopt;
    }
    return HostPort{std::string(host), static_cast<std::uint16_t>(*port)};
}

std::optional<HostPort> parse_listen_address(std::string_view text) {
    auto address = parse_host_port(text);
    if (!address) return std::nullopt;
    if (address->host == "localhost") address->host = "127.0.0.1";
    boost::system::error_code wrong;
    boost::asio::ip::make_address(address->host, wrong);
    return wrong ? std::nullopt : address;
}

std::string to_string(const HostPort& address) {
    const bool ipv6 = address.host.find(':') != std::string::npos;
    return (ipv6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

bool is_loopback(const HostPort& address) {
    if (address.host == "localhost") return true;
    boost::system::error_code wrong;
    const auto parsed = boost::asio::ip::make_address(address.host, wrong);
    return !wrong && parsed.is_loopback();
}

}  // namespace sluice::gateway
