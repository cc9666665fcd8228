// Server-sent events from bytes, in whatever pieces they come. No I/O. Follows the HTML standard's rules for event
// streams: lines end in CR, LF or CRLF, a leading byte order mark is skipped, comments and unknown fields are ignored,
// several data lines of an event are joined with LF, an event that is not ended by an empty line is never delivered.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::providers {

class SseDecoder {
public:
    explicit SseDecoder(std::size_t max_event_bytes) : max_event_bytes_(max_event_bytes) {}

    // The data of the events that `bytes` completes, without "[DONE]". Views are valid until the next call.
    // After "[DONE]" or a failure nothing more is delivered.
    std::span<const std::string_view> feed(std::string_view bytes);

    bool done() const { return done_; }      // "[DONE]" was seen
    bool failed() const { return failed_; }  // an event or a line was longer than allowed

private:
    void drop_read_lines();
    void read_line(std::string_view line);
    void add_data(std::string_view text);
    void dispatch();

    std::size_t max_event_bytes_;
    std::string buffer_;  // what views of the last feed() point to, then the bytes of the unfinished line
    std::size_t line_begin_ = 0;
    std::size_t scanned_ = 0;  // bytes before it hold no end of the unfinished line
    bool first_line_ = true;
    bool skip_line_feed_ = false;  // the last line ended in CR: an LF right after it belongs to it
    bool done_ = false;
    bool failed_ = false;

    // The event being read. Its data is a view into buffer_ while it is one line of this feed(), the usual case.
    bool has_data_ = false;
    std::string_view single_;
    std::string joining_;
    bool joined_ = false;           // the data is in joining_
    std::deque<std::string> kept_;  // what views of joined events point to: a deque does not move its elements
    std::vector<std::string_view> events_;
};

}  // namespace sluice::providers
