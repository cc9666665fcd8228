#include "providers/connection_error.hpp"

#include <boost/beast/http/error.hpp>

#include <string>

namespace sluice::providers {

using core::Errc;
using core::Error;
namespace net = core::net;

Error cancelled() {
    return {Errc::Cancelled, "the client closed its connection"};
}

Error malformed(std::string_view detail) {
    return {Errc::UpstreamFailed, "the upstream's answer is malformed: " + std::string(detail)};
}

Error dial_error(const core::Dialed& dialed) {
    if (dialed.error == net::error::operation_aborted) return cancelled();
    std::string doing;
    switch (dialed.stage) {
        case core::Dialed::Stage::Resolve: doing = "the upstream's name cannot be resolved"; break;
        case core::Dialed::Stage::Connect: doing = "the upstream cannot be reached"; break;
        case core::Dialed::Stage::Handshake: doing = "the upstream's TLS handshake failed"; break;
        case core::Dialed::Stage::Ready: doing = "the upstream is connected"; break;
    }
    const bool late = dialed.error == net::error::timed_out;
    return {late ? Errc::Timeout : Errc::UpstreamFailed, doing + ": " + dialed.error.message()};
}

Error transfer_error(const core::error_code& error, std::string_view doing) {
    if (error == net::error::operation_aborted) return cancelled();
    if (error == net::error::timed_out) return {Errc::Timeout, "the upstream took too long: " + std::string(doing)};
    if (error.category() == boost::beast::http::make_error_code(boost::beast::http::error::bad_field).category() &&
        error != boost::beast::http::error::end_of_stream && error != boost::beast::http::error::partial_message)
        return malformed(error.message());
    return {Errc::UpstreamFailed, "the upstream closed the connection: " + std::string(doing)};
}

}  // namespace sluice::providers
