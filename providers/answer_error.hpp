// What an upstream's error answer means to the client. Texts of upstreams are never passed on: they may quote the
// prompt; only names of errors are, when they look like names.
#pragma once

#include "core/result.hpp"

#include <chrono>
#include <optional>
#include <string_view>

namespace sluice::providers {

// From a status line other than 200, the Retry-After field (may be empty) and the body.
// 429: RateLimited. 401, 402, 403, 407, 408: UpstreamFailed, as it is not the client that did wrong. Other 4xx:
// UpstreamRejected. Everything else: UpstreamFailed.
core::Error error_of_status(int status, std::string_view retry_after, std::string_view body);

// From the "error" value of an answer that began well (status 200).
core::Error error_in_band(std::string_view error_json);

// "120" or an HTTP date; nullopt for anything else, at most a day.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value,
                                                      std::chrono::system_clock::time_point now);

}  // namespace sluice::providers
