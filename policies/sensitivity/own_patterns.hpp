// The organization's own patterns: a regular expression in RE2's syntax (no backtracking, time linear in the text), with a
// check, words that must stand beside it and a length, as wanted. What they find is of type "CUSTOM_" + NAME, so that
// none can pass for a built-in detector. Only patterns whose fixed letters occur in a text are run on it. Immutable after
// construction; any thread.
#pragma once

#include "core/data_class.hpp"
#include "core/result.hpp"
#include "policies/sensitivity/detectors.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policies {

struct OwnPattern {
    std::string name;   // letters, digits and '_', at most OwnPatterns::kMostNameBytes
    std::string regex;  // RE2 syntax; (?i) at its front for any case
    core::DataClass data_class = core::DataClass::Confidential;
    bool never_leaves = false;             // like a credential: never masked and sent
    std::string validator = {};            // validators.hpp; empty: none
    std::vector<std::string> context = {}; // one of these words must stand beside it, or name the JSON member
    std::size_t min_length = 1;            // characters of a match
    std::size_t max_length = 1024;
    double score = 0.9;

    std::string type() const;  // "CUSTOM_EMPLOYEE_ID"
    friend bool operator==(const OwnPattern&, const OwnPattern&) = default;
};

class OwnPatterns {
public:
    static constexpr std::string_view kTypePrefix = "CUSTOM_";
    static constexpr std::size_t kMostPatterns = 256;
    static constexpr std::size_t kMostNameBytes = 40;
    static constexpr std::size_t kMostRegexBytes = 1000;
    static constexpr int kMostSteps = 2000;       // of one compiled pattern
    static constexpr int kMostStepsInAll = 50'000;
    static constexpr std::size_t kMostContextWords = 32;
    static constexpr std::size_t kMostLength = 1024;
    // A match is looked for in this many bytes at a time; one that goes on behind them counts as far as it was seen.
    static constexpr std::size_t kWindow = 4096;
    static constexpr std::size_t kOverlap = 512;
    // Places looked at in one text beyond which it counts as not read to its end: this and one for every 16 bytes.
    static constexpr std::size_t kMostTries = 20'000;

    // What is wrong with one pattern; an empty list when nothing is.
    struct Problem {
        std::size_t pattern = 0;
        std::string key;  // "regex", "name", ...; empty: the list as a whole
        std::string why;
    };
    static std::vector<Problem> check(const std::vector<OwnPattern>& patterns);

    OwnPatterns() = default;
    // std::invalid_argument for patterns that check() refuses.
    explicit OwnPatterns(const std::vector<OwnPattern>& patterns);

    bool empty() const { return compiled_ == nullptr; }
    std::size_t size() const;

    struct Match {
        Hit hit;  // `type` points into this object
        core::DataClass data_class = core::DataClass::Confidential;
    };
    // Appends the matches. False: there was more to look at than kMostTries allows.
    bool find(std::string_view text, std::string_view key, std::vector<Match>& matches) const;

    // True for a type of a pattern that said so; false for types that are not of a pattern.
    bool never_leaves(std::string_view type) const;
    bool has_type(std::string_view type) const;

private:
    struct Compiled;
    std::shared_ptr<const Compiled> compiled_;  // null: no pattern
};

}  // namespace sluice::policies
