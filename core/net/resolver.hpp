// The addresses of one host, asked for once and remembered for a while. One per event loop and host.
// The system's resolver cannot be interrupted, so a caller that has waited long enough leaves and lets it finish.
#pragma once

#include "core/async.hpp"
#include "core/deadline.hpp"
#include "core/net/stream.hpp"

#include <memory>
#include <string>
#include <vector>

namespace sluice::core {

class Resolver {
public:
    Resolver(net::io_context& loop, std::string host, std::uint16_t port);

    using Addresses = std::vector<Tcp::endpoint>;
    // Empty and `error` set: timed_out, operation_aborted, or what the system says (host_not_found, ...).
    // Addresses written as such are never looked up.
    awaitable<Addresses> resolve(Deadline deadline, error_code& error);
    // The next call asks anew: what was known does not lead anywhere any more.
    void forget();

private:
    struct State;
    std::shared_ptr<State> state_;  // shared with a look-up that outlasts its callers
};

}  // namespace sluice::core
