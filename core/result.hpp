// Errors a caller must handle are values. `Error::detail` is for people: it never holds prompt text, keys or upstream bodies.
#pragma once

#include <boost/system/result.hpp>
#include <chrono>
#include <optional>
#include <string>

namespace sluice::core {

// Closed set: gateway/openai_errors.cpp maps each to an HTTP status, an OpenAI error type and a code.
enum class Errc {
    InvalidRequest,    // 400: the request is malformed; Error::field names the part
    Unauthorized,      // 401
    BudgetExceeded,    // 402: a cap would be passed; detail says which scope and when it resets
    Forbidden,         // 403: this key may not do that
    Refused,           // 403: policy allows no target for this data class
    NotFound,          // 404
    ModelNotFound,     // 404: detail lists near names
    TooLarge,          // 413
    Unsupported,       // 415, 501: content encoding, media type
    RateLimited,       // 429: our own limit, or every allowed upstream says 429
    Cancelled,         // the client went away; nobody is left to answer
    UpstreamRejected,  // 502 or passed through: upstream answered 4xx other than 429
    UpstreamFailed,    // 502: reset, garbage, 5xx
    Timeout,           // 504
    Unavailable,       // 503: engine busy, ledger not writable, draining
    Corrupt,           // an untrusted file is not what it claims: GGUF, journal, configuration
    Internal,          // 500
};

struct Error {
    Errc code = Errc::Internal;
    std::string detail;
    std::string field = {};  // "messages[2].content", "gateway.port", "blk.3.ffn_up.weight"
    std::optional<std::chrono::seconds> retry_after = std::nullopt;
    int upstream_status = 0;  // HTTP status of a provider, when it answered
};

// "field: detail" when a field is named.
std::string describe(const Error& error);

template <class T>
using Result = boost::system::result<T, Error>;

// Customisation point of boost::system::result: what .value() throws when there is none.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location&);

}  // namespace sluice::core
