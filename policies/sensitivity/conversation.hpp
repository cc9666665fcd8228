// Values that were split over turns: "the card starts with 4111 1111" and, a turn later, "and ends in 1111 1111"; also
// over three or more, and over the text parts of one message.
#pragma once

#include "policies/sensitivity/detectors.hpp"

#include <cstddef>
#include <functional>
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
    std::vector<TurnPart> parts;  // two or more, one behind the other
};

// Appends what is found in a text that was put together from two turns or more; of plain words, only what a dictionary
// says of them.
enum class Joined : bool { Values, Words };
using ScanJoined = std::function<void(std::string_view text, Joined kind, std::vector<Hit>& hits)>;

inline constexpr std::size_t kMostTurns = 4096;

// Joins the end of each text with the beginning of the next: what stands directly at both, and the last and the first
// thing that looks like a piece of a number, a key or an address ("continue with ..."). Hits that lie on both sides
// are findings; those that one side alone shows as well are left to it. Cost: some bytes at the border of two turns,
// whatever their size; where both sides are plain words nothing is scanned unless there is a dictionary. Of more than
// kMostTurns texts the last ones are looked at.
enum class Terms : bool { None, Some };
std::vector<SplitFinding> split_findings(const std::vector<std::string_view>& turns, Terms terms, const ScanJoined& scan);

// The user's turns of a transcript ("user: ...\nassistant: ...\nuser: ..."); empty when there are not two.
std::vector<std::string_view> user_turns(std::string_view transcript);

}  // namespace sluice::policies
