#include "local_engine/answer/thought_meter.hpp"

#include <algorithm>

namespace sluice::local_engine {

std::optional<TokenId> ThoughtMeter::given() {
    if (inside_ && !ended_ && options_.budget >= 0 && tokens_ >= options_.budget) {
        ended_ = true;
        given_.assign(options_.ending.begin(), options_.ending.end());
    }
    if (given_.empty()) return std::nullopt;
    const TokenId token = given_.front();
    given_.pop_front();
    return token;
}

bool ThoughtMeter::note(std::string_view text) {
    if (options_.open.empty()) return false;
    const bool before = inside_;
    recent_ += text;
    const std::string& wanted = inside_ ? options_.close : options_.open;
    if (recent_.find(wanted) != std::string::npos) {
        inside_ = !inside_;
        recent_.clear();
    }
    const std::size_t keep = std::max(options_.open.size(), options_.close.size());
    if (recent_.size() > keep) recent_.erase(0, recent_.size() - keep);
    const bool counts = before || inside_;
    if (counts) ++tokens_;
    return counts;
}

}  // namespace sluice::local_engine
