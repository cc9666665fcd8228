#include "tests/unit/gateway/edge_fixture.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace sluice::gateway::testing {

using core::awaitable;
namespace net = core::net;

void Witness::note(const std::string& what) {
    const std::lock_guard lock(mutex_);
    seen_.push_back(what);
    changed_.notify_all();
}

bool Witness::wait_for(const std::string& what, std::size_t times) {
    std::unique_lock lock(mutex_);
    const auto enough = [&] { return static_cast<std::size_t>(std::count(seen_.begin(), seen_.end(), what)) >= times; };
    return changed_.wait_for(lock, RawClient::kPatience, enough);
}

std::size_t Witness::count(const std::string& what) {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count(seen_.begin(), seen_.end(), what));
}

CallerPtr OneKey::authenticate(std::string_view token) const {
    asked_.fetch_add(1);
    if (token != kKey) return nullptr;
    auto caller = std::make_shared<core::Caller>();
    caller->team_name = "testers";
    return caller;
}

namespace {

constexpr std::string_view kText = "text/plain";

// Waits for `span` or a cancellation; true when it was cancelled.
awaitable<bool> pause(std::chrono::milliseconds span) {
    core::Timer timer(co_await net::this_coro::executor);
    timer.expires_after(span);
    boost::system::error_code error;
    co_await timer.async_wait(net::redirect_error(core::use_awaitable, error));
    co_return error == net::error::operation_aborted;
}

awaitable<void> echo(Exchange& exchange, CallerPtr) {
    co_await exchange.respond(200, kText, exchange.request().body, {});
}

awaitable<void> events(Exchange& exchange, CallerPtr) {
    const int count = std::stoi(std::string(exchange.request().path_parameter));
    co_await exchange.start_events();
    for (int i = 0; i < count; ++i) co_await exchange.write("data: " + std::to_string(i) + "\n\n");
    co_await exchange.finish("data: [DONE]\n\n");
}

awaitable<void> cut(Exchange& exchange, CallerPtr) {
    co_await exchange.start_events();
    co_await exchange.write("data: 0\n\n");
    exchange.abandon();
}

awaitable<void> unfinished(Exchange& exchange, CallerPtr) {
    co_await exchange.start_events();
    co_await exchange.write("data: 0\n\n");
}

awaitable<void> bad_header(Exchange& exchange, CallerPtr) {
    const std::vector<Header> headers{{"x-note", "one\r\nset-cookie: two"}};
    co_await exchange.respond(200, kText, "never", headers);
}

awaitable<void> throws(Exchange&, CallerPtr) {
    throw std::runtime_error("a handler's mistake");
    co_return;
}

}  // namespace

std::vector<Route> toy_routes(Witness& witness) {
    const auto ping = [](Exchange& exchange, CallerPtr) -> awaitable<void> {
        co_await exchange.respond(200, kText, "pong", {});
    };
    const auto item = [](Exchange& exchange, CallerPtr) -> awaitable<void> {
        co_await exchange.respond(200, kText,
                                  std::string(exchange.request().path_parameter) + "?" + exchange.request().query, {});
    };
    const auto large = [](Exchange& exchange, CallerPtr) -> awaitable<void> {
        co_await exchange.respond(200, kText, std::string(std::size_t{8} << 20U, 'x'), {});
    };
    const auto silent = [](Exchange&, CallerPtr) -> awaitable<void> { co_return; };
    const auto size = [](Exchange& exchange, CallerPtr) -> awaitable<void> {
        co_await exchange.respond(200, kText, std::to_string(exchange.request().body.size()), {});
    };
    const auto who = [](Exchange& exchange, CallerPtr caller) -> awaitable<void> {
        co_await exchange.respond(200, kText, caller->team_name, {});
    };
    const auto wait = [&witness](Exchange& exchange, CallerPtr) -> awaitable<void> {
        witness.note("wait begun");
        const bool cancelled = co_await pause(std::chrono::seconds(60));
        witness.note(!cancelled               ? "wait over"
                     : exchange.client_gone() ? "wait cancelled: client gone"
                                              : "wait cancelled: drain");
        if (!cancelled) co_await exchange.respond(200, kText, "late", {});
    };
    const auto moment = [&witness](Exchange& exchange, CallerPtr) -> awaitable<void> {
        witness.note("moment begun");
        co_await pause(std::chrono::milliseconds(300));
        co_await exchange.respond(200, kText, "in time", {});
    };
    const auto drip = [&witness](Exchange& exchange, CallerPtr) -> awaitable<void> {
        co_await exchange.start_events();
        const std::string event = "data: " + std::string(1000, 'd') + "\n\n";
        for (std::size_t sent = 0;; ++sent) {
            const auto written = co_await exchange.write(event);
            if (sent == 0) witness.note("drip begun");
            if (!written) break;
            if (exchange.request().query == "slow") co_await pause(std::chrono::milliseconds(20));
        }
        witness.note(exchange.client_gone() ? "drip ended: client gone" : "drip ended: drain");
        exchange.abandon();
    };
    return {
        {"GET", "/ping", Permission::Anyone, 0, ping},
        {"GET", "/item/{id}", Permission::Anyone, 0, item},
        {"GET", "/large", Permission::Anyone, 0, large},
        {"GET", "/throws", Permission::Anyone, 0, throws},
        {"GET", "/silent", Permission::Anyone, 0, silent},
        {"GET", "/bad-header", Permission::Anyone, 0, bad_header},
        {"GET", "/events/{n}", Permission::Anyone, 0, events},
        {"GET", "/cut", Permission::Anyone, 0, cut},
        {"GET", "/unfinished", Permission::Anyone, 0, unfinished},
        {"GET", "/wait", Permission::Anyone, 0, wait},
        {"GET", "/moment", Permission::Anyone, 0, moment},
        {"GET", "/drip", Permission::Anyone, 0, drip},
        {"POST", "/echo", Permission::Anyone, 4096, echo},
        {"POST", "/size", Permission::Anyone, std::size_t{8} << 20U, size},
        {"POST", "/locked", Permission::TeamKey, 4096, who},
        {"DELETE", "/locked", Permission::TeamKey, 0, who},
    };
}

TestServer::TestServer(ServerConfig config, std::size_t loops) : loops_(loops) {
    config.port = 0;
    server_ = std::make_unique<Server>(std::move(config), loops_, toy_routes(witness_), keys_);
    if (const auto started = server_->start(); !started) throw std::runtime_error(core::describe(started.error()));
    loops_.start();
}

TestServer::~TestServer() {
    server_.reset();
    loops_.stop();
}

}  // namespace sluice::gateway::testing
