// One request of the leak tests: a canary, written somehow, somewhere in an otherwise harmless conversation.
#pragma once

#include "core/data_class.hpp"
#include "core/json.hpp"
#include "tests/leak/evasions.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::testing {

struct LeakCase {
    std::uint64_t number = 0;
    Canary canary;
    std::string_view evasion;
    std::string_view part;
    std::string text;  // what was planted, the sentence around it included
    core::Json body;   // the whole request
    std::optional<core::DataClass> declared;
    bool stream = false;
    bool known_gap = false;        // this way of writing is not undone yet
    bool is_last_message = false;  // the text is the whole of the last message: an echo must give it back

    std::string describe() const;
};

LeakCase make_case(std::uint64_t number, Random& random);

// A value split over two turns of the user is a way of writing, too.
inline constexpr std::string_view kSplitOverTurns = "split over turns";

}  // namespace sluice::testing
