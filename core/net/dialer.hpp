// Opens connections to one host: looks its addresses up, tries them in turn, does the TLS handshake. One per event
// loop.
#pragma once

#include "core/net/resolver.hpp"
#include "core/net/stream.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace sluice::core {

struct DialTimes {
    std::chrono::milliseconds connect{5'000};  // look-up and TCP
    std::chrono::milliseconds handshake{5'000};
};

struct Dialed {
    enum class Stage { Resolve, Connect, Handshake, Ready };
    std::unique_ptr<Stream> stream;  // null unless Ready
    Stage stage = Stage::Resolve;    // where it ended
    error_code error;                // timed_out and operation_aborted included
};

class Dialer {
public:
    // `tls` null: plain; otherwise it outlives the streams.
    Dialer(net::io_context& loop, const std::string& host, std::uint16_t port, net::ssl::context* tls)
        : loop_(loop), host_(host), tls_(tls), resolver_(loop, host, port) {}

    awaitable<Dialed> dial(DialTimes times, Deadline deadline);

private:
    awaitable<error_code> connect(Stream& stream, const Resolver::Addresses& addresses, Deadline deadline);

    net::io_context& loop_;
    std::string host_;
    net::ssl::context* tls_;
    Resolver resolver_;
};

}  // namespace sluice::core
