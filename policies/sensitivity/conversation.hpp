// Values that were split over turns: "the card starts with 4111 1111" and, a turn later, "and ends in 1111 1111".
#pragma once

#include "policies/sensitivity/detectors.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace sluice::policies {

// What one turn contributed to a value: bytes of that turn's text.
struct TurnPart {
    std::size_t turn;  // index into the turns given
    std::size_t begin;
    std::size_t end;
};
struct SplitFinding {
    Hit hit;  // its type, score and detector; its bytes mean nothing
    TurnPart first;
    TurnPart second;
};

// Looks at the last number-like piece of each text and the first one of the next. At most 256 turns, the last ones.
std::vector<SplitFinding> split_findings(const std::vector<std::string_view>& turns);

// The user's turns of a transcript ("user: ...\nassistant: ...\nuser: ..."); empty when there are not two.
std::vector<std::string_view> user_turns(std::string_view transcript);

}  // namespace sluice::policies
