#include "core/net/stream.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>
#include <sys/socket.h>
#include <sys/uio.h>

namespace sluice::core {

namespace {

// Chain and name are both checked by OpenSSL during the handshake. IP addresses are matched against IP entries.
bool require_host(SSL* ssl, const std::string& host) {
    SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
    error_code not_an_address;
    net::ip::make_address(host, not_an_address);
    X509_VERIFY_PARAM* const param = SSL_get0_param(ssl);
    if (!not_an_address) return X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str()) == 1;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_host(param, host.data(), host.size()) != 1) return false;
    return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host.c_str())) == 1;
}

}  // namespace

Stream::Stream(Socket socket, net::ssl::context* tls)
    : Entry(Timeouts::of(socket.get_executor().context())), socket_(std::move(socket)) {
    if (tls != nullptr) tls_.emplace(socket_, *tls);
    if (socket_.is_open()) set_no_delay();
}

void Stream::set_no_delay() {
    error_code ignored;
    socket_.set_option(Tcp::no_delay(true), ignored);
}

std::size_t Stream::write_at_once(std::string_view first, std::string_view second) {
    if (tls_ || timed_out_) return 0;
    iovec parts[2] = {{const_cast<char*>(first.data()), first.size()}, {const_cast<char*>(second.data()), second.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

awaitable<error_code> Stream::handshake_server() {
    error_code error;
    co_await tls_->async_handshake(net::ssl::stream_base::server, net::redirect_error(use_awaitable, error));
    co_return error&& timed_out_ ? error_code(net::error::timed_out) : error;
}

awaitable<error_code> Stream::handshake_client(const std::string& host) {
    if (!require_host(tls_->native_handle(), host)) co_return error_code(net::error::invalid_argument);
    error_code error;
    co_await tls_->async_handshake(net::ssl::stream_base::client, net::redirect_error(use_awaitable, error));
    co_return error&& timed_out_ ? error_code(net::error::timed_out) : error;
}

awaitable<error_code> Stream::shutdown_send() {
    error_code error;
    if (tls_) co_await tls_->async_shutdown(net::redirect_error(use_awaitable, error));
    error_code half_close;
    socket_.shutdown(Socket::shutdown_send, half_close);
    if (error && timed_out_) co_return error_code(net::error::timed_out);
    co_return error ? error : half_close;
}

void Stream::close() {
    Entry::expires_never();
    error_code ignored;
    socket_.close(ignored);
}

void Stream::reset() {
    error_code ignored;
    socket_.set_option(net::socket_base::linger(true, 0), ignored);
    close();
}

void Stream::on_deadline() {
    timed_out_ = true;
    error_code ignored;
    socket_.cancel(ignored);
}

}  // namespace sluice::core
