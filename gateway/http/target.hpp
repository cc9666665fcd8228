// Request targets: origin-form ("/v1/models?x=1") and absolute-form ("http://host/v1/models"), decoded once and
// strictly. Pure functions, any thread.
#pragma once

#include "gateway/http/error_response.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::gateway {

struct Target {
    std::string authority;  // of the absolute form; else empty
    std::string path;       // percent-decoded; begins with '/', has no "." or ".." segment and no control character
    std::string query;      // as received, without '?'
    // Offset in `path` of the first slash that came as %2F. Such a slash is text of a parameter, never structure.
    std::size_t encoded_slash = std::string::npos;
};

// Fills `out`, or says why the target is refused (400).
std::optional<Refusal> parse_target(std::string_view raw, Target& out);

// host [":" port]: a name, an IPv4 address or a bracketed IPv6 address.
bool valid_authority(std::string_view authority);
// The host of a valid authority, without brackets and port.
std::string_view host_of(std::string_view authority);

}  // namespace sluice::gateway
