// What a well-formed header must also satisfy before its request is believed: the rules Beast 1.81 leaves out, the
// method list, Host, expectations, media types. Pure functions over the parsed header; no coroutines, no sockets.
#pragma once

#include "gateway/http/error_response.hpp"
#include "gateway/http/request.hpp"
#include "gateway/http/request_parser.hpp"
#include "gateway/http/target.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::gateway {

inline constexpr std::string_view kAllowedMethods = "GET, HEAD, POST, DELETE";

// After RequestParser::parse_header() says Done. Order matters: framing first, because a refusal that keeps the
// connection is right only when the end of the request is known. Fills HttpRequest::path and query.
std::optional<Refusal> check_header(const RequestParser& parser, HttpRequest& request, Target& target,
                                    std::span<const std::string> allowed_hosts);

// Where the body ends: exactly one of Content-Length and "Transfer-Encoding: chunked", said once, on HTTP/1.1.
std::optional<Refusal> check_framing(const RequestParser& parser, const HttpRequest& request);
// 405 for a method HTTP knows and we do not offer, 501 for one nobody knows.
std::optional<Refusal> check_method(std::string_view method);
std::optional<Refusal> check_host(const RequestParser& parser, const HttpRequest& request, const Target& target,
                                  std::span<const std::string> allowed_hosts);

// After authentication, for a route that takes bodies: Content-Encoding, Content-Type, declared length, Expect.
std::optional<Refusal> check_body_header(const RequestParser& parser, const HttpRequest& request,
                                         std::size_t max_body_bytes);
bool expects_continue(const RequestParser& parser, const HttpRequest& request);

// The token of "Authorization: Bearer <token>"; empty when there is none.
std::string_view bearer_token(const HttpRequest& request);
// A client's x-request-id that may be repeated in answers and logs: 1 to 128 of A-Z a-z 0-9 - _ . :
bool valid_request_id(std::string_view id);
// No control characters (tabs apart): may be written into a header line.
bool valid_header_value(std::string_view value);
bool valid_header_name(std::string_view name);

}  // namespace sluice::gateway
