#include "core/net/dialer.hpp"

#include <boost/asio/redirect_error.hpp>

namespace sluice::core {

awaitable<Dialed> Dialer::dial(DialTimes times, Deadline deadline) {
    Dialed dialed;
    const Deadline connected = deadline.within(times.connect);
    const auto addresses = co_await resolver_.resolve(connected, dialed.error);
    if (dialed.error) co_return dialed;

    dialed.stage = Dialed::Stage::Connect;
    auto stream = std::make_unique<Stream>(Socket{loop_.get_executor()}, tls_);
    dialed.error = co_await connect(*stream, addresses, connected);
    if (dialed.error) {
        if (dialed.error != net::error::operation_aborted) resolver_.forget();
        co_return dialed;
    }
    if (stream->tls()) {
        dialed.stage = Dialed::Stage::Handshake;
        stream->expires_at(deadline.within(times.handshake).at());
        dialed.error = co_await stream->handshake_client(host_);
        if (dialed.error) co_return dialed;
    }
    stream->expires_never();
    dialed.stage = Dialed::Stage::Ready;
    dialed.stream = std::move(stream);
    co_return dialed;
}

// Each address gets an equal share of the time that is left, so that one that swallows packets does not use it all up.
awaitable<error_code> Dialer::connect(Stream& stream, const Resolver::Addresses& addresses, Deadline deadline) {
    error_code error = net::error::host_not_found;
    std::int64_t left = static_cast<std::int64_t>(addresses.size());
    for (const auto& address : addresses) {
        const auto now = Stream::Clock::now();
        if (now >= deadline.at()) co_return error_code(net::error::timed_out);
        stream.expires_at(now + (deadline.at() - now) / left--);
        error_code ignored;
        stream.socket().close(ignored);
        co_await stream.socket().async_connect(address, net::redirect_error(use_awaitable, error));
        if (!error) {
            stream.set_no_delay();
            co_return error;
        }
        if (error == net::error::operation_aborted && !stream.timed_out()) co_return error;
        if (stream.timed_out()) error = net::error::timed_out;
    }
    co_return error;
}

}  // namespace sluice::core
