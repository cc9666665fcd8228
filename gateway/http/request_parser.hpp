// One request out of bytes, without sockets: Beast's parser underneath, its gaps closed (README.md lists them).
// Bytes are given in order; what was not consumed is given again, with more behind it. Header fields must fit into
// HttpLimits::max_header_bytes; so must one chunk header with its extensions, and all trailers. Trailers and extensions
// are dropped. One parser per request; not thread-safe; throws only std::bad_alloc.
#pragma once

#include "gateway/http/error_response.hpp"
#include "gateway/http/limits.hpp"
#include "gateway/http/request.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <optional>
#include <string_view>

namespace sluice::gateway {

// How often the fields that decide framing, routing and identity occurred.
struct FieldCounts {
    unsigned host = 0;
    unsigned content_length = 0;
    unsigned transfer_encoding = 0;
    unsigned authorization = 0;
    unsigned content_type = 0;
    unsigned content_encoding = 0;
    unsigned expect = 0;
};

class RequestParser final : private boost::beast::http::basic_parser<true> {
public:
    enum class Progress {
        NeedMore,  // everything complete was consumed
        Done,      // header or body, whichever was asked for, is complete
        Refused,   // see refusal(); the bytes that follow mean nothing
    };

    // Fills `request`: method, headers and body. Both references outlive the parser.
    RequestParser(HttpRequest& request, const HttpLimits& limits);

    // Consumes up to the end of the header. `consumed` is valid whatever the outcome.
    Progress parse_header(std::string_view bytes, std::size_t& consumed);
    // After Done for the header: consumes up to the end of the body, which goes to HttpRequest::body.
    Progress parse_body(std::string_view bytes, std::size_t& consumed);

    // Before parse_body(). More than this is refused with 413.
    void limit_body(std::size_t bytes) { max_body_bytes_ = bytes; }
    // Before parse_body(): the body is read for its length only.
    void discard_body() { discard_ = true; }

    const Refusal& refusal() const { return *refusal_; }
    const FieldCounts& counts() const { return counts_; }
    std::string_view target() const { return target_; }  // as received
    bool http_1_1() const { return version_ >= 11; }
    bool started() const { return header_bytes_ > 0; }  // a byte of the request line was consumed
    bool complete() const { return is_done(); }
    bool chunked() const { return basic_parser::chunked(); }              // after the header
    std::optional<std::uint64_t> declared_length() const;                 // Content-Length, after the header
    bool wants_keep_alive() const { return basic_parser::keep_alive(); }  // after the header
    std::uint64_t body_bytes() const { return body_bytes_; }

private:
    using error_code = boost::beast::error_code;
    using string_view = boost::beast::string_view;

    void on_request_impl(boost::beast::http::verb, string_view method, string_view target, int version,
                         error_code&) override;
    void on_response_impl(int, string_view, int, error_code&) override {}
    void on_field_impl(boost::beast::http::field, string_view name, string_view value, error_code&) override;
    void on_header_impl(error_code&) override { header_done_ = true; }
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(string_view bytes, error_code&) override;
    void on_chunk_header_impl(std::uint64_t size, string_view extensions, error_code&) override;
    std::size_t on_chunk_body_impl(std::uint64_t remaining, string_view bytes, error_code&) override;
    void on_finish_impl(error_code&) override {}

    std::size_t skip_empty_lines(std::string_view bytes);
    Progress refuse(const Refusal& refusal);
    void refuse(const Refusal& refusal, error_code& error);
    void count(boost::beast::http::field name);

    HttpRequest& request_;
    const HttpLimits& limits_;
    FieldCounts counts_;
    std::optional<Refusal> refusal_;
    std::string target_;
    int version_ = 11;
    bool header_done_ = false;
    bool discard_ = false;
    unsigned empty_lines_ = 0;
    std::size_t fields_ = 0;
    std::size_t header_bytes_ = 0;
    std::size_t extension_bytes_ = 0;
    std::uint64_t body_bytes_ = 0;
    std::uint64_t max_body_bytes_ = 0;
};

}  // namespace sluice::gateway
