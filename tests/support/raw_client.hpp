// A blocking client for tests that writes the bytes it is told, plain or over TLS, and reads answers strictly enough to
// notice a byte too many. Every wait ends after kPatience: a test fails, it does not hang.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct ssl_st;
struct ssl_ctx_st;

namespace sluice::testing {

struct RawAnswer {
    int status = 0;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;                            // without chunk framing
    bool complete = false;                       // ended by its length or its last chunk
    std::string header(const std::string& name) const {
        const auto found = headers.find(name);
        return found == headers.end() ? std::string() : found->second;
    }
};

class RawClient {
public:
    static constexpr std::chrono::seconds kPatience{20};

    // `port` on 127.0.0.1. Throws std::runtime_error when the connection is refused.
    explicit RawClient(std::uint16_t port);
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;
    ~RawClient();

    // TLS from here on, trusting anybody; false when the handshake fails. `max_version` 0: the newest.
    bool start_tls(int max_version = 0, const char* ciphers = nullptr);
    std::string tls_version() const;
    std::string tls_cipher() const;

    bool send(std::string_view bytes);  // false: the server is gone
    void shutdown_send();
    void reset();  // closes with RST
    void close();

    // The next answer; nullopt at the end of the connection. `head_only`: the answer to a HEAD request. 100 is an
    // answer.
    std::optional<RawAnswer> read_answer(bool head_only = false);
    // Reads until the buffer holds `text`; false at the end or when patience is over.
    bool read_until(std::string_view text);
    // True when the connection ended and nothing was left unread.
    bool at_end();
    const std::string& buffered() const { return buffer_; }

private:
    enum class More { Bytes, End, TooLong };
    More fill();
    bool read_chunks(RawAnswer& answer);
    std::optional<std::string> take_line();

    int socket_ = -1;
    std::unique_ptr<ssl_ctx_st, void (*)(ssl_ctx_st*)> context_;
    std::unique_ptr<ssl_st, void (*)(ssl_st*)> ssl_;
    std::string buffer_;
};

}  // namespace sluice::testing
