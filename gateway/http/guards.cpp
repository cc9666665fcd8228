#include "gateway/http/guards.hpp"

#include "core/net/http_fields.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/verb.hpp>

#include <algorithm>
#include <array>

namespace sluice::gateway {

namespace http = boost::beast::http;
using boost::beast::iequals;

namespace {

std::string_view field(const HttpRequest& request, http::field name) {
    return core::field_of(request.headers, name);
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool same(std::string_view a, std::string_view b) {
    return iequals(boost::beast::string_view(a.data(), a.size()), boost::beast::string_view(b.data(), b.size()));
}

Refusal keep(int status, std::string_view code, std::string_view message, std::string_view at = {}) {
    return {status, code, message, at, false};
}
Refusal cut(int status, std::string_view code, std::string_view message, std::string_view at = {}) {
    return {status, code, message, at, true};
}

std::optional<Refusal> check_transfer_encoding(const RequestParser& parser, const HttpRequest& request) {
    if (parser.counts().transfer_encoding > 1) {
        return cut(400, "invalid_transfer_encoding", "Transfer-Encoding is repeated", "transfer-encoding");
    }
    if (!parser.http_1_1()) {
        return cut(400, "invalid_transfer_encoding", "HTTP/1.0 has no Transfer-Encoding", "transfer-encoding");
    }
    if (parser.counts().content_length > 0) {
        return cut(400, "invalid_transfer_encoding", "Transfer-Encoding and Content-Length contradict each other",
                   "transfer-encoding");
    }
    const std::string_view coding = field(request, http::field::transfer_encoding);
    if (same(coding, "chunked") && parser.chunked()) return std::nullopt;
    const std::string_view last = trimmed(coding.substr(coding.rfind(',') + 1));
    if (coding.find(',') != std::string_view::npos && same(last, "chunked")) {
        return cut(501, "unsupported_transfer_encoding", "the only transfer coding known here is chunked",
                   "transfer-encoding");
    }
    return cut(400, "invalid_transfer_encoding", "the only transfer coding known here is chunked", "transfer-encoding");
}

// "application/json", with no parameter other than charset=utf-8.
bool is_json(std::string_view content_type) {
    const std::size_t semicolon = std::min(content_type.find(';'), content_type.size());
    if (!same(trimmed(content_type.substr(0, semicolon)), "application/json")) return false;
    std::string_view parameter = trimmed(content_type.substr(std::min(semicolon + 1, content_type.size())));
    if (parameter.empty()) return true;
    const std::size_t equals = parameter.find('=');
    if (equals == std::string_view::npos || !same(trimmed(parameter.substr(0, equals)), "charset")) return false;
    std::string_view charset = trimmed(parameter.substr(equals + 1));
    if (charset.size() >= 2 && charset.front() == '"' && charset.back() == '"')
        charset = charset.substr(1, charset.size() - 2);
    return same(charset, "utf-8") || same(charset, "utf8");
}

constexpr std::array<bool, 256> kTokenChars = [] {  // RFC 9110, section 5.6.2
    std::array<bool, 256> chars{};
    for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))
        chars[static_cast<unsigned char>(c)] = true;
    return chars;
}();

bool is_token_char(char c) { return kTokenChars[static_cast<unsigned char>(c)]; }

}  // namespace

std::optional<Refusal> check_header(const RequestParser& parser, HttpRequest& request, Target& target,
                                    std::span<const std::string> allowed_hosts) {
    if (auto refusal = check_framing(parser, request)) return refusal;
    if (parser.counts().authorization > 1) {
        return cut(400, "invalid_authorization", "Authorization is repeated", "authorization");
    }
    if (auto refusal = check_method(request.method)) return refusal;
    if (auto refusal = parse_target(parser.target(), target)) return refusal;
    if (auto refusal = check_host(parser, request, target, allowed_hosts)) return refusal;
    request.path = target.path;
    request.query = target.query;
    return std::nullopt;
}

std::optional<Refusal> check_framing(const RequestParser& parser, const HttpRequest& request) {
    if (parser.counts().transfer_encoding > 0) return check_transfer_encoding(parser, request);
    if (parser.counts().content_length == 0) return std::nullopt;
    const std::string_view length = field(request, http::field::content_length);
    const bool digits = !length.empty() && length.size() <= 18 &&
                        std::all_of(length.begin(), length.end(), [](char c) { return c >= '0' && c <= '9'; });
    // "5, 5" and a repeated line mean one length to Beast and another thing to others.
    if (parser.counts().content_length > 1 || !digits) {
        return cut(400, "invalid_content_length", "Content-Length is malformed or repeated", "content-length");
    }
    return std::nullopt;
}

std::optional<Refusal> check_method(std::string_view method) {
    for (const std::string_view allowed : {"GET", "POST", "HEAD", "DELETE"}) {
        if (method == allowed) return std::nullopt;
    }
    if (http::string_to_verb(boost::beast::string_view(method.data(), method.size())) != http::verb::unknown) {
        return keep(405, "method_not_allowed", "this method is not offered here");
    }
    return cut(501, "unknown_method", "this method is not known; methods are case-sensitive");
}

std::optional<Refusal> check_host(const RequestParser& parser, const HttpRequest& request, const Target& target,
                                  std::span<const std::string> allowed_hosts) {
    const unsigned count = parser.counts().host;
    if (count > 1) return cut(400, "invalid_host", "Host is repeated", "host");
    if (count == 0) {
        if (parser.http_1_1()) return cut(400, "invalid_host", "Host is missing", "host");
        return std::nullopt;  // HTTP/1.0 has none
    }
    const std::string_view host = field(request, http::field::host);
    if (!valid_authority(host)) return cut(400, "invalid_host", "Host is malformed", "host");
    if (!target.authority.empty() && !same(target.authority, host)) {
        return cut(400, "invalid_host", "Host differs from the host of the request target", "host");
    }
    if (allowed_hosts.empty()) return std::nullopt;
    const std::string_view name = host_of(host);
    for (const std::string& allowed : allowed_hosts) {
        if (same(name, allowed)) return std::nullopt;
    }
    return keep(421, "host_not_allowed", "this server does not answer for that host", "host");
}

std::optional<Refusal> check_body_header(const RequestParser& parser, const HttpRequest& request,
                                         std::size_t max_body_bytes) {
    const bool has_body = parser.chunked() || parser.declared_length().value_or(0) > 0;
    if (parser.counts().content_encoding > 0 && !same(field(request, http::field::content_encoding), "identity")) {
        return keep(415, "unsupported_content_encoding", "send the body without Content-Encoding", "content-encoding");
    }
    if (parser.counts().content_encoding > 1 || parser.counts().content_type > 1) {
        return keep(400, "malformed_header", "a field that describes the body is repeated", "content-type");
    }
    if (has_body && parser.counts().content_type == 1 && !is_json(field(request, http::field::content_type))) {
        return keep(415, "unsupported_media_type", "send the body as Content-Type: application/json", "content-type");
    }
    if (parser.declared_length().value_or(0) > max_body_bytes) {
        return keep(413, "body_too_large", "request body is larger than this route accepts", "content-length");
    }
    if (parser.http_1_1() && parser.counts().expect > 0 &&
        (parser.counts().expect > 1 || !same(field(request, http::field::expect), "100-continue"))) {
        return keep(417, "expectation_failed", "the only expectation known here is 100-continue", "expect");
    }
    return std::nullopt;
}

bool expects_continue(const RequestParser& parser, const HttpRequest& request) {
    const bool has_body = parser.chunked() || parser.declared_length().value_or(0) > 0;
    return parser.http_1_1() && has_body && parser.counts().expect == 1 &&
           same(field(request, http::field::expect), "100-continue");
}

std::string_view bearer_token(const HttpRequest& request) {
    const std::string_view value = field(request, http::field::authorization);
    constexpr std::string_view kScheme = "Bearer ";
    if (value.size() <= kScheme.size() || !same(value.substr(0, kScheme.size()), kScheme)) return {};
    return trimmed(value.substr(kScheme.size()));
}

bool valid_request_id(std::string_view id) {
    return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.' || c == ':';
    });
}

bool valid_header_value(std::string_view value) {
    return std::all_of(value.begin(), value.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
    });
}

bool valid_header_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), is_token_char);
}

}  // namespace sluice::gateway
