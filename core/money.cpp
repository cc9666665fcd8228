#include "core/money.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::core {

namespace {

__extension__ using Int128 = __int128;

NanoUsd clamp_to_range(Int128 value) {
    if (value > INT64_MAX) return NanoUsd::max();
    if (value < INT64_MIN) return NanoUsd{INT64_MIN};
    return NanoUsd{static_cast<std::int64_t>(value)};
}

// Fixed-point decimal with nine places; nullopt when it is not one or does not fit.
std::optional<std::int64_t> parse_fixed9(std::string_view text) {
    const auto dot = text.find('.');
    const auto whole = text.substr(0, dot);
    const auto decimals = dot == std::string_view::npos ? std::string_view{} : text.substr(dot + 1);
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (whole.empty() || whole.size() > 10 || decimals.size() > 9) return std::nullopt;
    if (dot != std::string_view::npos && decimals.empty()) return std::nullopt;
    if (!std::ranges::all_of(whole, is_digit) || !std::ranges::all_of(decimals, is_digit)) return std::nullopt;
    Int128 value = 0;
    for (const char c : whole) value = value * 10 + (c - '0');
    for (std::size_t i = 0; i < 9; ++i) value = value * 10 + (i < decimals.size() ? decimals[i] - '0' : 0);
    if (value > INT64_MAX) return std::nullopt;
    return static_cast<std::int64_t>(value);
}

}  // namespace

NanoUsd cost(Tokens tokens, Price price) {
    if (tokens <= 0) return {};
    const Int128 scaled = Int128{tokens} * price.nano_per_million;
    return clamp_to_range((scaled + 999'999) / 1'000'000);
}

Result<NanoUsd> parse_usd(std::string_view text) {
    if (const auto value = parse_fixed9(text)) return NanoUsd{*value};
    return Error{Errc::InvalidRequest, "not an amount in USD with at most nine decimals, such as 12.50"};
}

Result<Price> parse_price(std::string_view usd_per_million) {
    if (const auto value = parse_fixed9(usd_per_million)) return Price{*value};
    return Error{Errc::InvalidRequest, "not a price in USD per million tokens, such as 0.14"};
}

std::string format_usd(NanoUsd amount) {
    const bool negative = amount.value < 0;
    const auto magnitude = negative ? 0 - static_cast<std::uint64_t>(amount.value) : static_cast<std::uint64_t>(amount.value);
    std::string decimals = std::to_string(magnitude % 1'000'000'000);
    decimals.insert(0, 9 - decimals.size(), '0');
    while (decimals.size() > 2 && decimals.back() == '0') decimals.pop_back();
    return (negative ? "-" : "") + std::to_string(magnitude / 1'000'000'000) + "." + decimals;
}

}  // namespace sluice::core
