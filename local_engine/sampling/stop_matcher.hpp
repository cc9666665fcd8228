// Finds stop strings in text that arrives in pieces. Text that may still turn out to be the start of a stop string is
// held back, so a client never sees any part of one. Not thread-safe: one per sequence.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::local_engine {

class StopMatcher {
public:
    explicit StopMatcher(std::vector<std::string> stops);  // empty strings are ignored

    // Text that may leave now. After a stop string was found: nothing more.
    std::string feed(std::string_view piece);
    // The end of the text: what was held back may leave.
    std::string finish();
    bool stopped() const { return stopped_; }

private:
    std::size_t held_back() const;

    std::vector<std::string> stops_;
    std::string pending_;
    bool stopped_ = false;
};

}  // namespace sluice::local_engine
