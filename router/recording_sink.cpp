#include "router/recording_sink.hpp"

#include <utility>

namespace sluice::router {

core::awaitable<core::Result<void>> RecordingSink::events(std::span<const std::string_view> chunks) {
    for (const auto chunk : chunks) {
        if (text_ != nullptr) text_->chunk(chunk);
        kept_bytes_ += chunk.size();
        if (kept_bytes_ > most_kept_bytes_) too_long_ = true;
        else chunks_.emplace_back(chunk);
    }
    if (too_long_) chunks_.clear();
    return client_.events(chunks);
}

core::awaitable<core::Result<void>> RecordingSink::body(std::string json) {
    if (text_ != nullptr) text_->body(json);
    body_ = std::move(json);
    co_return core::Result<void>{};
}

}  // namespace sluice::router
