#include "gateway/cli/http_client.hpp"

#include "core/net/client_tls.hpp"
#include "core/net/dialer.hpp"
#include "providers/endpoint.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <exception>

namespace sluice::gateway::cli {
namespace {

namespace net = boost::asio;
namespace http = boost::beast::http;
using core::Errc;
using core::Error;
using core::error_code;
using core::Result;
using Parser = http::response_parser<http::buffer_body>;
using OnHead = std::function<Result<void>(const HttpHead&)>;
using OnPiece = std::function<Result<void>(std::string_view)>;

constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr std::size_t kMaxHeaderBytes = 64 * 1024;

Error failure(const HttpCall& request, const error_code& error) {
    if (error == net::error::timed_out) return {Errc::Timeout, request.url.authority + " went silent"};
    return {Errc::UpstreamFailed, fmt::format("{}: {}", request.url.authority, error.message())};
}

http::request<http::string_body> message_of(const HttpCall& request) {
    http::request<http::string_body> message;
    message.method_string(request.method);
    message.target(request.url.target);
    message.version(11);
    message.set(http::field::host, request.url.authority);
    message.set(http::field::user_agent, "sluice");
    message.set(http::field::accept_encoding, "identity");
    message.set(http::field::connection, "close");
    for (const auto& [name, value] : request.headers) message.set(name, value);
    message.body() = request.body;
    if (!request.body.empty() || request.method == "POST") message.prepare_payload();
    return message;
}

HttpHead head_of(const Parser& parser) {
    HttpHead head;
    head.status = parser.get().result_int();
    for (const auto& field : parser.get()) {
        std::string name(field.name_string());
        std::ranges::transform(name, name.begin(),
                               [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        head.headers.emplace(std::move(name), std::string(field.value()));
    }
    if (const auto length = parser.content_length()) head.content_length = *length;
    return head;
}

core::awaitable<Result<void>> read_body(core::Stream& stream, boost::beast::flat_buffer& buffer, Parser& parser,
                                        const HttpCall& request, const OnPiece& on_piece) {
    std::string piece(kPieceBytes, '\0');
    while (!parser.is_done()) {
        parser.get().body().data = piece.data();
        parser.get().body().size = piece.size();
        stream.expires_after(request.silence);
        error_code error;
        co_await http::async_read(stream, buffer, parser, net::redirect_error(core::use_awaitable, error));
        // What came before a cut is kept too: a download goes on from there.
        const std::string_view bytes(piece.data(), piece.size() - parser.get().body().size);
        if (!bytes.empty()) {
            if (auto taken = on_piece(bytes); !taken) co_return taken;
        }
        if (error && error != http::error::need_buffer) co_return failure(request, error);
    }
    co_return Result<void>{};
}

core::awaitable<Result<void>> exchange(core::Stream& stream, const HttpCall& request, const OnHead& on_head,
                                       const OnPiece& on_piece) {
    const auto message = message_of(request);
    stream.expires_after(request.silence);
    error_code error;
    co_await http::async_write(stream, message, net::redirect_error(core::use_awaitable, error));
    if (error) co_return failure(request, error);

    boost::beast::flat_buffer buffer(kPieceBytes);
    Parser parser;
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(boost::none);
    stream.expires_after(request.silence);
    co_await http::async_read_header(stream, buffer, parser, net::redirect_error(core::use_awaitable, error));
    if (error) co_return failure(request, error);
    if (auto accepted = on_head(head_of(parser)); !accepted) co_return accepted;
    co_return co_await read_body(stream, buffer, parser, request, on_piece);
}

core::awaitable<void> run(net::io_context& loop, net::ssl::context* tls, const HttpCall& request, const OnHead& on_head,
                          const OnPiece& on_piece, Result<void>& result) {
    core::Dialer dialer(loop, request.url.host, request.url.port, tls);
    const auto dialed = co_await dialer.dial({}, core::Deadline::after(request.silence));
    if (dialed.stage != core::Dialed::Stage::Ready) {
        const bool tls_failed = dialed.stage == core::Dialed::Stage::Handshake;
        result = Error{Errc::Unavailable, fmt::format("{} {}: {}", tls_failed ? "no TLS with" : "cannot connect to",
                                                      request.url.authority, dialed.error.message())};
        co_return;
    }
    result = co_await exchange(*dialed.stream, request, on_head, on_piece);
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
    const std::size_t query = text.find('?');
    if (text.find_first_of("# \t\r\n") != std::string_view::npos) {
        return Error{Errc::InvalidRequest, "a URL holds neither spaces nor a fragment"};
    }
    const auto endpoint = providers::parse_base_url(text.substr(0, query));
    if (!endpoint) return endpoint.error();
    Url url{.tls = endpoint->tls,
            .host = endpoint->host,
            .port = endpoint->port,
            .target = endpoint->path,
            .authority = endpoint->authority()};
    if (url.target.empty()) url.target = "/";
    if (query != std::string_view::npos) url.target += text.substr(query);
    return url;
}

Result<void> call(const HttpCall& request, const OnHead& head, const OnPiece& piece) {
    net::io_context loop(1);
    std::unique_ptr<net::ssl::context> tls;
    if (request.url.tls) {
        auto made = core::make_client_tls({});
        if (!made) return made.error();
        tls = std::move(*made);
    }
    Result<void> result = Error{Errc::Internal, "the call did not run"};
    std::exception_ptr thrown;
    const auto keep = [&thrown](std::exception_ptr problem) { thrown = problem; };
    net::co_spawn(loop, run(loop, tls.get(), request, head, piece, result), keep);
    loop.run();
    if (thrown) std::rethrow_exception(thrown);
    return result;
}

}  // namespace sluice::gateway::cli
