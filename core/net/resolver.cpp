#include "core/net/resolver.hpp"

#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>

namespace sluice::core {

namespace {

constexpr std::chrono::seconds kRememberedFor{60};

}  // namespace

struct Resolver::State {
    State(net::io_context& loop, std::string name, std::uint16_t port_number)
        : resolver(loop.get_executor()), host(std::move(name)), port(port_number) {}

    net::ip::basic_resolver<Tcp, Executor> resolver;
    std::string host;
    std::uint16_t port;
    bool literal = false;  // an address: known for ever
    bool asking = false;
    Addresses addresses;
    error_code error;
    Deadline::Clock::time_point known_until{};
    std::vector<Timer*> waiting;

    bool known() const { return literal || Deadline::Clock::now() < known_until; }

    static void ask(const std::shared_ptr<State>& state) {
        state->asking = true;
        state->resolver.async_resolve(state->host, std::to_string(state->port), Tcp::resolver::numeric_service,
                                      [state](const error_code& failed, const auto& results) {
                                          state->asking = false;
                                          state->error = failed;
                                          state->addresses.assign(results.begin(), results.end());
                                          if (!failed) state->known_until = Deadline::Clock::now() + kRememberedFor;
                                          for (Timer* const timer : state->waiting) timer->cancel();
                                      });
    }
};

Resolver::Resolver(net::io_context& loop, std::string host, std::uint16_t port)
    : state_(std::make_shared<State>(loop, std::move(host), port)) {
    error_code not_an_address;
    const auto address = net::ip::make_address(state_->host, not_an_address);
    if (not_an_address) return;
    state_->literal = true;
    state_->addresses.emplace_back(address, port);
}

void Resolver::forget() {
    state_->known_until = {};
}

awaitable<Resolver::Addresses> Resolver::resolve(Deadline deadline, error_code& error) {
    error = {};
    const auto state = state_;
    if (state->known()) co_return state->addresses;
    if (!state->asking) State::ask(state);

    Timer timer{state->resolver.get_executor(), deadline.at()};
    state->waiting.push_back(&timer);
    error_code woken;
    co_await timer.async_wait(net::redirect_error(use_awaitable, woken));
    std::erase(state->waiting, &timer);
    if (!woken) {
        error = net::error::timed_out;
    } else if (state->asking) {
        error = net::error::operation_aborted;  // woken, but not by the answer: the caller was cancelled
    } else if (state->error) {
        error = state->error;
    } else {
        co_return state->addresses;
    }
    co_return Addresses{};
}

}  // namespace sluice::core
