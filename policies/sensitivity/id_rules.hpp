// One row for each kind of identifier: its shape, its check and the words people write beside it. A country is added by
// adding rows. Numbers whose length varies and that have no check stand in a table of their own.
#pragma once

#include "policies/sensitivity/id_checks.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::policies::detail {

// Fixed shape: 9 a digit, A a letter, X either.
struct IdRule {
    std::string_view name;    // "DE_STEUER_ID": the detector's name
    std::string_view type;    // "NATIONAL_ID"
    std::string_view shape;   // without separators
    std::string_view groups;  // sizes of the groups when written as usual: "2333"; empty: in one piece
    IdCheck check;
    double bare;   // score without a word beside it
    double named;  // score with one
    bool lenient;  // with a word beside it, a wrong check only lowers the score
    std::string_view labels;  // separated by ';'; see Phrases::add
};
std::span<const IdRule> id_rules();

// A value behind a word that names it: `least` to `most` characters, of which at least `digits` are digits.
struct LabelledRule {
    std::string_view name;
    std::string_view type;
    bool letters;  // may hold letters
    std::uint8_t least;
    std::uint8_t most;
    std::uint8_t digits;
    double score;
    std::string_view labels;
};
std::span<const LabelledRule> labelled_rules();

}  // namespace sluice::policies::detail
