// What goes wrong on a connection to an upstream, in the words of core::Error. Details name no address and no content.
#pragma once

#include "core/net/dialer.hpp"
#include "core/result.hpp"

#include <string_view>

namespace sluice::providers {

core::Error cancelled();
core::Error dial_error(const core::Dialed& dialed);
// `doing`: "sending the request", "waiting for the answer", "reading the answer".
core::Error transfer_error(const core::error_code& error, std::string_view doing);
core::Error malformed(std::string_view detail);

}  // namespace sluice::providers
