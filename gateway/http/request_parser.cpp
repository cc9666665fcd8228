#include "gateway/http/request_parser.hpp"

#include "core/net/last_chunk.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <cstring>

namespace sluice::gateway {

namespace http = boost::beast::http;

namespace {

constexpr Refusal kHeaderTooLarge{431, "header_too_large", "request header is larger than this server accepts"};
constexpr Refusal kTooManyFields{431, "too_many_headers", "request has more header fields than this server accepts"};
constexpr Refusal kTargetTooLong{414, "uri_too_long", "request target is longer than this server accepts"};
constexpr Refusal kFolded{400, "malformed_header", "header lines may not be folded"};
constexpr Refusal kBodyTooLarge{413, "body_too_large", "request body is larger than this route accepts"};
constexpr Refusal kChunkHeader{400, "malformed_chunk", "chunk header or trailers are larger than this server accepts"};
constexpr Refusal kExtensions{400, "chunk_extensions", "chunk extensions are larger than this server accepts"};

// A line that begins with a space or a tab continues the one before it (obs-fold): refused, because parsers disagree
// about it.
bool has_folded_line(std::string_view lines) {
    for (std::size_t at = lines.find('\n'); at != std::string_view::npos && at + 1 < lines.size();
         at = lines.find('\n', at + 1)) {
        if (lines[at + 1] == ' ' || lines[at + 1] == '\t') return true;
    }
    return false;
}

// The request line had no known version. Other numbers of HTTP get 505, anything else is noise.
Refusal bad_version(std::string_view bytes) {
    const std::string_view line = bytes.substr(0, bytes.find('\n'));
    const std::size_t at = line.rfind(" HTTP/");
    const auto digit = [&](std::size_t index) {
        return index < line.size() && line[index] >= '0' && line[index] <= '9';
    };
    const bool spoken =
        at != std::string_view::npos && (line.substr(at + 6, 3) == "1.0" || line.substr(at + 6, 3) == "1.1");
    const bool numbered = at != std::string_view::npos && digit(at + 6) && line[at + 7] == '.' && digit(at + 8) &&
                          (line.size() == at + 9 || line.substr(at + 9) == "\r");
    if (numbered && !spoken) {
        return {505, "unsupported_version", "only HTTP/1.0 and HTTP/1.1 are spoken here"};
    }
    return {400, "malformed_request", "request line has no HTTP version"};
}

Refusal explain(const boost::beast::error_code& error, std::string_view bytes) {
    if (error == http::error::bad_version) return bad_version(bytes);
    if (error == http::error::header_limit || error == http::error::buffer_overflow) return kHeaderTooLarge;
    if (error == http::error::bad_method) return {400, "malformed_request", "request line has no valid method"};
    if (error == http::error::bad_target) return {400, "malformed_request", "request line has no valid target"};
    if (error == http::error::bad_content_length || error == http::error::multiple_content_length) {
        return {400, "invalid_content_length", "Content-Length is malformed, repeated or contradicted",
                "content-length"};
    }
    if (error == http::error::bad_transfer_encoding) {
        return {400, "invalid_transfer_encoding", "Transfer-Encoding is repeated or contradicted", "transfer-encoding"};
    }
    if (error == http::error::bad_field || error == http::error::bad_value || error == http::error::bad_line_ending) {
        return {400, "malformed_header", "a header line is malformed"};
    }
    if (error == http::error::bad_chunk || error == http::error::bad_chunk_extension) {
        return {400, "malformed_chunk", "the chunked body is malformed"};
    }
    return {400, "malformed_request", "the request is malformed"};
}

}  // namespace

RequestParser::RequestParser(HttpRequest& request, const HttpLimits& limits) : request_(request), limits_(limits) {
    header_limit(static_cast<std::uint32_t>(limits.max_header_bytes));
    body_limit(boost::none);  // counted here, because the route that sets it is known only after the header
}

RequestParser::Progress RequestParser::parse_header(std::string_view bytes, std::size_t& consumed) {
    consumed = skip_empty_lines(bytes);
    bytes.remove_prefix(consumed);
    if (bytes.empty() || bytes == "\r") return Progress::NeedMore;

    error_code error;
    const std::size_t used = put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    consumed += used;
    header_bytes_ += used;
    if (refusal_) return Progress::Refused;
    const bool endless_line =
        target_.empty() && bytes.size() >= limits_.max_header_bytes && bytes.find('\n') == std::string_view::npos;
    if (endless_line) return refuse(kTargetTooLong);
    if (error && error != http::error::need_more) return refuse(explain(error, bytes));
    // One byte more than was consumed: it tells whether the last line goes on, and the parser has looked at it too.
    if (has_folded_line(bytes.substr(0, header_done_ ? used : std::min(used + 1, bytes.size()))))
        return refuse(kFolded);
    if (header_bytes_ > limits_.max_header_bytes) return refuse(kHeaderTooLarge);
    if (header_done_) return Progress::Done;
    const std::size_t waiting = bytes.size() - used;
    if (header_bytes_ + waiting >= limits_.max_header_bytes) return refuse(kHeaderTooLarge);
    return Progress::NeedMore;
}

RequestParser::Progress RequestParser::parse_body(std::string_view bytes, std::size_t& consumed) {
    consumed = 0;
    if (is_done()) return Progress::Done;
    if (const auto length = declared_length(); length && *length > max_body_bytes_) return refuse(kBodyTooLarge);
    if (bytes.empty() || (chunked() && core::last_chunk_is_cut(bytes))) return Progress::NeedMore;
    eager(true);
    error_code error;
    consumed = put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    if (refusal_) return Progress::Refused;
    if (error && error != http::error::need_more) return refuse(explain(error, bytes.substr(consumed)));
    if (is_done()) return Progress::Done;
    if (bytes.size() - consumed >= limits_.max_header_bytes) return refuse(kChunkHeader);
    return Progress::NeedMore;
}

std::optional<std::uint64_t> RequestParser::declared_length() const {
    const auto length = content_length();
    return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
}

// RFC 9112 section 2.2: a server should ignore an empty line before the request line; a few, but not a flood of them.
std::size_t RequestParser::skip_empty_lines(std::string_view bytes) {
    std::size_t skipped = 0;
    while (header_bytes_ == 0 && empty_lines_ < 2 && bytes.substr(skipped, 2) == "\r\n") {
        skipped += 2;
        ++empty_lines_;
    }
    return skipped;
}

RequestParser::Progress RequestParser::refuse(const Refusal& refusal) {
    refusal_ = refusal;
    return Progress::Refused;
}

void RequestParser::refuse(const Refusal& refusal, error_code& error) {
    refusal_ = refusal;
    error = http::error::bad_value;  // any error: parse_*() look at refusal_ first
}

void RequestParser::on_request_impl(http::verb, string_view method, string_view target, int version,
                                    error_code& error) {
    if (target.size() > limits_.max_target_bytes) return refuse(kTargetTooLong, error);
    request_.method.assign(method.data(), method.size());
    target_.assign(target.data(), target.size());
    version_ = version;
}

void RequestParser::on_field_impl(http::field name, string_view name_text, string_view value, error_code& error) {
    if (header_done_) return;  // a trailer
    if (++fields_ > limits_.max_header_fields) return refuse(kTooManyFields, error);
    // Fields stores sizes in 16 bits and throws beyond them.
    if (name_text.size() + value.size() > 60'000) return refuse(kHeaderTooLarge, error);
    count(name);
    request_.headers.insert(name, name_text, value);
}

void RequestParser::count(http::field name) {
    switch (name) {
        case http::field::host: ++counts_.host; break;
        case http::field::content_length: ++counts_.content_length; break;
        case http::field::transfer_encoding: ++counts_.transfer_encoding; break;
        case http::field::authorization: ++counts_.authorization; break;
        case http::field::content_type: ++counts_.content_type; break;
        case http::field::content_encoding: ++counts_.content_encoding; break;
        case http::field::expect: ++counts_.expect; break;
        default: break;
    }
}

std::size_t RequestParser::on_body_impl(string_view bytes, error_code& error) {
    if (bytes.size() > max_body_bytes_ - body_bytes_) {
        refuse(kBodyTooLarge, error);
        return 0;
    }
    body_bytes_ += bytes.size();
    if (!discard_) request_.body.append(bytes.data(), bytes.size());
    return bytes.size();
}

void RequestParser::on_chunk_header_impl(std::uint64_t size, string_view extensions, error_code& error) {
    extension_bytes_ += extensions.size();
    if (extension_bytes_ > limits_.max_chunk_extension_bytes) return refuse(kExtensions, error);
    if (size > max_body_bytes_ - body_bytes_) return refuse(kBodyTooLarge, error);
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, string_view bytes, error_code& error) {
    return on_body_impl(bytes, error);
}

}  // namespace sluice::gateway
