#include "tests/support/raw_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <csignal>
#include <stdexcept>

namespace sluice::testing {

namespace {

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

}  // namespace

RawClient::RawClient(std::uint16_t port) : context_(nullptr, SSL_CTX_free), ssl_(nullptr, SSL_free) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int one = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        close();
        throw std::runtime_error("connection refused");
    }
}

RawClient::~RawClient() {
    close();
}

void RawClient::close() {
    ssl_.reset();
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
}

void RawClient::reset() {
    const linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
}

void RawClient::shutdown_send() {
    if (ssl_) SSL_shutdown(ssl_.get());
    ::shutdown(socket_, SHUT_WR);
}

bool RawClient::start_tls(int max_version, const char* ciphers) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_security_level(context_.get(),
                               0);  // old versions and weak ciphers are offered, to be refused by the server
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    if (max_version != 0) SSL_CTX_set_max_proto_version(context_.get(), max_version);
    if (ciphers != nullptr && SSL_CTX_set_cipher_list(context_.get(), ciphers) != 1)
        throw std::runtime_error("unknown ciphers");
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket_);
    return SSL_connect(ssl_.get()) == 1;
}

std::string RawClient::tls_version() const {
    return SSL_get_version(ssl_.get());
}
std::string RawClient::tls_cipher() const {
    return SSL_get_cipher_name(ssl_.get());
}

bool RawClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                               : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

RawClient::More RawClient::fill() {
    std::array<char, 16384> bytes{};
    if (!ssl_ || SSL_pending(ssl_.get()) == 0) {
        pollfd wait{socket_, POLLIN, 0};
        if (::poll(&wait, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) <= 0) return More::TooLong;
    }
    const auto got = ssl_ ? SSL_read(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                          : ::recv(socket_, bytes.data(), bytes.size(), 0);
    if (got <= 0) return More::End;
    buffer_.append(bytes.data(), static_cast<std::size_t>(got));
    return More::Bytes;
}

bool RawClient::read_until(std::string_view text) {
    while (buffer_.find(text) == std::string::npos) {
        if (fill() != More::Bytes) return false;
    }
    return true;
}

bool RawClient::at_end() {
    if (!buffer_.empty()) return false;
    return fill() == More::End;
}

std::optional<std::string> RawClient::take_line() {
    if (!read_until("\r\n")) return std::nullopt;
    const std::size_t end = buffer_.find("\r\n");
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 2);
    return line;
}

bool RawClient::read_chunks(RawAnswer& answer) {
    while (true) {
        const auto line = take_line();
        if (!line) return false;
        const std::size_t size = std::stoul(*line, nullptr, 16);
        while (buffer_.size() < size + 2) {
            if (fill() != More::Bytes) return false;
        }
        if (buffer_.compare(size, 2, "\r\n") != 0) throw std::runtime_error("chunk without its line end");
        answer.body.append(buffer_, 0, size);
        buffer_.erase(0, size + 2);
        if (size == 0) return true;
    }
}

std::optional<RawAnswer> RawClient::read_answer(bool head_only) {
    const auto status_line = take_line();
    if (!status_line) return std::nullopt;
    if (status_line->rfind("HTTP/1.1 ", 0) != 0) throw std::runtime_error("not a status line: " + *status_line);
    RawAnswer answer;
    answer.status = std::stoi(status_line->substr(9));
    while (true) {
        const auto line = take_line();
        if (!line) return std::nullopt;
        if (line->empty()) break;
        const std::size_t colon = line->find(": ");
        if (colon == std::string::npos) throw std::runtime_error("malformed header line: " + *line);
        if (!answer.headers.emplace(lower(line->substr(0, colon)), line->substr(colon + 2)).second) {
            throw std::runtime_error("header twice: " + *line);
        }
    }
    if (answer.header("transfer-encoding") == "chunked" && !head_only) {
        answer.complete = read_chunks(answer);
        return answer;
    }
    if (!answer.header("content-length").empty() && !head_only) {
        const std::size_t length = std::stoul(answer.header("content-length"));
        while (buffer_.size() < length) {
            if (fill() != More::Bytes) return answer;
        }
        answer.body = buffer_.substr(0, length);
        buffer_.erase(0, length);
    }
    answer.complete = true;
    return answer;
}

}  // namespace sluice::testing
