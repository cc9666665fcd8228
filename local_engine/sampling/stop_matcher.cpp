#include "local_engine/sampling/stop_matcher.hpp"

#include <algorithm>
#include <utility>

namespace sluice::local_engine {

StopMatcher::StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {
    std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

std::string StopMatcher::feed(std::string_view piece) {
    if (stopped_) return {};
    if (stops_.empty()) return std::string(piece);
    pending_ += piece;
    // The stop string that is complete first ends the text, so that how the text was cut into pieces does not matter.
    std::size_t first = std::string::npos;
    std::size_t first_end = std::string::npos;
    for (const std::string& stop : stops_) {
        const std::size_t at = pending_.find(stop);
        if (at == std::string::npos || at + stop.size() > first_end) continue;
        first = at + stop.size() == first_end ? std::min(first, at) : at;
        first_end = at + stop.size();
    }
    stopped_ = first != std::string::npos;
    const std::size_t leaving = stopped_ ? first : pending_.size() - held_back();
    std::string text = pending_.substr(0, leaving);
    pending_.erase(0, stopped_ ? std::string::npos : leaving);
    return text;
}

std::string StopMatcher::finish() {
    return std::exchange(pending_, {});
}

// Length of the longest end of the pending text that a stop string begins with.
std::size_t StopMatcher::held_back() const {
    std::size_t longest = 0;
    for (const std::string& stop : stops_) {
        for (std::size_t length = std::min(stop.size() - 1, pending_.size()); length > longest; --length) {
            if (pending_.ends_with(std::string_view(stop).substr(0, length))) longest = length;
        }
    }
    return longest;
}

}  // namespace sluice::local_engine
