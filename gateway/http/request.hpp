// A request as handlers read it, and a header field of an answer. Free of sockets and coroutines, so that what judges
// requests can be tested and fuzzed without them.
#pragma once

#include <boost/beast/http/fields.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::gateway {

struct HttpRequest {
    std::string method;  // "GET", "POST"
    std::string path;    // without query: "/v1/decisions/dec_abc"
    std::string query;   // after '?', may be empty
    boost::beast::http::fields headers;
    std::string body;
    std::string request_id;                // made by us, unless the client sent a well-formed x-request-id
    std::string_view path_parameter = {};  // what {id} of the route matched
    std::size_t loop = 0;                  // index of the event loop this connection lives on: picks per-loop pools
};

struct Header {
    std::string_view name;  // a literal
    std::string value;  // values with control characters are refused
};

}  // namespace sluice::gateway
