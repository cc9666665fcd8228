// The header of an answer, formatted by hand into one string: cheaper than a serializer, and every value is checked.
#pragma once

#include "gateway/http/request.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::gateway {

enum class Persistence { KeepAlive, KeepAliveSaid, Close };  // Said: HTTP/1.0 wants "connection: keep-alive" in words

struct ResponseHead {
    int status = 200;
    std::string_view content_type;
    std::optional<std::size_t> content_length;  // none with chunked, until close, and for 204
    bool chunked = false;
    bool event_stream = false;  // no caching, no buffering by proxies
    std::string_view request_id;
    Persistence persistence = Persistence::KeepAlive;
};

void append_head(std::string& out, const ResponseHead& head, std::span<const Header> headers);

// False when a handler's field is not a valid header line, or is one the session writes itself.
bool valid_headers(std::span<const Header> headers);

// IMF-fixdate of now, made once per second and thread.
std::string_view http_date();

// "req_" and 32 hexadecimal digits, unique; from a generator seeded by the operating system, per thread.
std::string make_request_id();

}  // namespace sluice::gateway
