// Money is int64 nano-dollars (1e-9 USD): 9.2 billion dollars of range. No floating point touches it.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace sluice::core {

struct NanoUsd {
    std::int64_t value = 0;
    static constexpr NanoUsd max() { return NanoUsd{INT64_MAX}; }
    friend constexpr auto operator<=>(NanoUsd, NanoUsd) = default;
};

using Tokens = std::int64_t;

// Saturating: a sum that does not fit is NanoUsd::max(), which no cap admits.
constexpr NanoUsd operator+(NanoUsd a, NanoUsd b) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(a.value, b.value, &sum)) return NanoUsd{b.value > 0 ? INT64_MAX : INT64_MIN};
    return NanoUsd{sum};
}
constexpr NanoUsd operator-(NanoUsd a, NanoUsd b) {
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(a.value, b.value, &difference)) return NanoUsd{b.value < 0 ? INT64_MAX : INT64_MIN};
    return NanoUsd{difference};
}

// Price of one token in nano-dollars times 1e6, that is nano-dollars per million tokens: 0.0375 USD per million tokens is
// exactly 37,500,000. Prices given in whole nano-dollars per token stay whole.
struct Price {
    std::int64_t nano_per_million = 0;
    static constexpr Price per_token(std::int64_t nano) { return Price{nano * 1'000'000}; }
    friend constexpr bool operator==(Price, Price) = default;
};

// tokens * price, rounded up to a whole nano-dollar, saturating. Negative token counts count as 0.
NanoUsd cost(Tokens tokens, Price price);

// "12.5", "0.000000001", "3": USD with at most nine decimals. No sign, no exponent.
Result<NanoUsd> parse_usd(std::string_view text);
// "0.140": USD per million tokens with at most nine decimals.
Result<Price> parse_price(std::string_view usd_per_million);
// "12.500000000"; trailing zeros after the second decimal are dropped: "12.50", "0.000004242".
std::string format_usd(NanoUsd amount);

}  // namespace sluice::core
