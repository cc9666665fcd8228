// Server-sent events from bytes, in whatever pieces they come. No I/O. Follows the HTML standard's rules for event
// streams: lines end in CR, LF or CRLF, a leading byte order mark is skipped, comments and unknown fields are ignored,
// several data lines of an event are joined with LF, an event that is not ended by an empty line is never delivered.
#pragma once

#include <cstddef>
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
    struct Piece {
        std::size_t offset = 0;  // into buffer_, or index into joined_
        std::size_t size = 0;
        bool joined = false;
    };

    void line(std::size_t begin, std::size_t end);
    void add_data(std::size_t begin, std::size_t end);
    void dispatch();
    void discard_consumed();

    std::size_t max_event_bytes_;
    std::string buffer_;        // unread bytes, and before them what views of the last feed() point to
    std::size_t position_ = 0;  // first byte of the line being read
    std::size_t scanned_ = 0;   // bytes before it hold no line end
    bool first_line_ = true;
    bool skip_line_feed_ = false;  // the last line ended in CR: an LF right after it belongs to it
    bool done_ = false;
    bool failed_ = false;
    bool has_data_ = false;  // the event being read has a data line
    Piece current_;          // its data while it is one line
    std::string joining_;    // its data once it is several lines, or was begun by an earlier feed()
    std::vector<std::string> joined_;
    std::vector<Piece> pieces_;
    std::vector<std::string_view> views_;
};

}  // namespace sluice::providers
