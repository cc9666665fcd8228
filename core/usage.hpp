// What a call consumed, as the provider reported it or as we counted it.
#pragma once

#include "core/json.hpp"
#include "core/money.hpp"

namespace sluice::core {

struct Usage {
    Tokens prompt = 0;
    Tokens completion = 0;  // includes reasoning
    Tokens cached = 0;      // part of prompt that the provider served from its cache
    Tokens reasoning = 0;   // part of completion
    bool estimated = false;  // counted by us, not reported

    friend bool operator==(const Usage&, const Usage&) = default;
};

// The text of an OpenAI `usage` object. Anything but non-negative integers up to 2^40 is false usage: nullopt.
std::optional<Usage> parse_usage(std::string_view json);
Json to_json(const Usage& usage);

}  // namespace sluice::core
