#include "providers/sse_decoder.hpp"

#include <algorithm>

namespace sluice::providers {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

std::span<const std::string_view> SseDecoder::feed(std::string_view bytes) {
    events_.clear();
    kept_.clear();
    if (done_ || failed_) return {};
    drop_read_lines();
    buffer_.append(bytes);

    while (!done_ && !failed_) {
        if (skip_line_feed_ && line_begin_ < buffer_.size()) {
            if (buffer_[line_begin_] == '\n') ++line_begin_;
            skip_line_feed_ = false;
        }
        scanned_ = std::max(scanned_, line_begin_);
        const std::size_t end = buffer_.find_first_of("\r\n", scanned_);
        if (end == std::string::npos) break;
        skip_line_feed_ = buffer_[end] == '\r';
        const auto line = std::string_view(buffer_).substr(line_begin_, end - line_begin_);
        line_begin_ = end + 1;
        if (line.size() > max_event_bytes_ + 8) failed_ = true;  // 8: "data: " and a little
        else read_line(line);
    }
    scanned_ = buffer_.size();
    // What comes behind "[DONE]" is not read, so its length is no fault either.
    if (!done_ && buffer_.size() - std::min(line_begin_, buffer_.size()) > max_event_bytes_ + 8) failed_ = true;
    return events_;
}

// Makes room before a feed(): whole lines were read, and their views are no longer valid.
void SseDecoder::drop_read_lines() {
    if (has_data_ && !joined_) {  // an event that began in an earlier feed() keeps its own copy
        joining_.assign(single_);
        joined_ = true;
    }
    buffer_.erase(0, line_begin_);
    scanned_ -= line_begin_;
    line_begin_ = 0;
}

void SseDecoder::read_line(std::string_view line) {
    if (first_line_) {
        first_line_ = false;
        if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
    }
    if (line.empty()) return dispatch();
    // Comments, "event", "id" and "retry" mean nothing here.
    if (!line.starts_with("data")) return;
    line.remove_prefix(4);
    if (line.empty()) return add_data({});
    if (line.front() != ':') return;
    line.remove_prefix(1);
    if (line.starts_with(' ')) line.remove_prefix(1);
    add_data(line);
}

void SseDecoder::add_data(std::string_view text) {
    if (!has_data_) {
        has_data_ = true;
        joined_ = false;
        single_ = text;
        failed_ = text.size() > max_event_bytes_;
        return;
    }
    if (!joined_) {
        joining_.assign(single_);
        joined_ = true;
    }
    failed_ = joining_.size() + 1 + text.size() > max_event_bytes_;
    if (failed_) return;
    joining_ += '\n';
    joining_ += text;
}

void SseDecoder::dispatch() {
    if (!has_data_) return;
    has_data_ = false;
    if (!joined_) {
        if (single_ == "[DONE]") done_ = true;
        else events_.push_back(single_);
        return;
    }
    joined_ = false;
    if (joining_ == "[DONE]") {
        done_ = true;
        return;
    }
    kept_.push_back(std::move(joining_));
    joining_.clear();
    events_.push_back(kept_.back());
}

}  // namespace sluice::providers
