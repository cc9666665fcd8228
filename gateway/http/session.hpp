// One client connection from its first byte to its last: reads requests strictly and in order, asks who is there before
// it reads a body, calls the route's handler and answers. Lives on its loop; kept alive by its own coroutine.
#pragma once

#include "gateway/http/connection.hpp"
#include "gateway/http/edge_context.hpp"
#include "gateway/http/http_exchange.hpp"
#include "gateway/http/request_parser.hpp"

#include <boost/asio/cancellation_signal.hpp>

#include <memory>
#include <optional>

namespace sluice::gateway {

class Session : public std::enable_shared_from_this<Session> {
public:
    Session(EdgeContext& context, core::net::io_context& loop, std::size_t loop_index, Socket socket);

    // Starts the coroutine; `on_end` runs when it has ended, on the loop.
    void start(std::function<void(Session&)> on_end);

    // Drain, in three steps; all on the loop.
    void begin_drain();     // end between requests
    void cancel_running();  // the handler's pending operation ends; a running stream gets an error event
    void force();           // reset the connection

private:
    enum class Next { Request, Close, CloseIdle };  // CloseIdle: no answer is on its way, nothing to linger for
    enum class Read { Ok, Closed, Refused };        // Refused: refusal_ says why

    core::awaitable<void> run();
    core::awaitable<Next> serve_one();
    core::awaitable<Read> read_header();
    RequestParser::Progress parse_body();  // of what has arrived
    core::awaitable<Read> read_body();
    core::awaitable<void> call_handler(const Route& route, CallerPtr caller);
    core::awaitable<Next> refuse(const Refusal& refusal, std::string_view allow = {});
    core::awaitable<Next> reject(const core::Error& error);  // 401, 404: the request is well-formed
    core::awaitable<Next> skip_body();
    bool may_skip_body();
    void accept_header();
    void emit_cancellation();
    void count_answer();

    EdgeContext& context_;
    core::net::io_context& loop_;
    Connection connection_;
    HttpExchange exchange_;
    Target target_;
    std::optional<RequestParser> parser_;
    std::optional<Refusal> refusal_;
    core::net::cancellation_signal cancel_;
    bool first_request_ = true;
    bool idle_ = false;  // waits for the first byte of a request
    bool in_handler_ = false;
    bool continue_sent_ = false;
    bool draining_ = false;
    bool cancelled_ = false;
};

}  // namespace sluice::gateway
