#include "gateway/http/session.hpp"

#include "gateway/http/guards.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <spdlog/spdlog.h>

namespace sluice::gateway {

namespace net = core::net;
using core::awaitable;
using core::Errc;
using core::Error;

namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr Refusal kHeaderTimeout{408, "request_timeout", "the request header did not arrive in time"};
constexpr Refusal kBodyTimeout{408, "request_timeout", "the request body did not arrive in time"};
constexpr Refusal kCutHeader{400, "incomplete_request", "the connection ended inside the request header"};
constexpr Refusal kCutBody{400, "incomplete_request", "the connection ended inside the request body"};
constexpr Refusal kStopped{503, "shutting_down", "the server is shutting down"};

std::string_view view(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

}  // namespace

Session::Session(EdgeContext& context, net::io_context& loop, std::size_t loop_index, Socket socket)
    : context_(context),
      loop_(loop),
      connection_(loop, std::move(socket), context.tls.get(), context.config.limits, context.config.timeouts),
      exchange_(connection_) {
    exchange_.request().loop = loop_index;
}

void Session::start(std::function<void(Session&)> on_end) {
    // The connection's operations keep the whole session alive.
    connection_.start(weak_from_this(), [this] {
        if (in_handler_) emit_cancellation();
    });
    const auto body = [self = shared_from_this()]() { return self->run(); };
    const auto ended = [self = shared_from_this(), on_end = std::move(on_end)](const std::exception_ptr&) {
        on_end(*self);
    };
    net::co_spawn(loop_.get_executor(), body, net::bind_cancellation_slot(cancel_.slot(), ended));
}

awaitable<void> Session::run() {
    // A cancelled operation reports operation_aborted; the coroutine itself goes on and cleans up.
    co_await net::this_coro::throw_if_cancelled(false);
    try {
        if (co_await connection_.handshake()) {
            Next next = Next::Request;
            while (next == Next::Request) next = co_await serve_one();
            if (exchange_.must_reset()) connection_.reset();
            connection_.end_output();
            if (next == Next::Close) co_await connection_.linger();
        } else {
            context_.counters.handshake_errors.fetch_add(1, std::memory_order_relaxed);
        }
    } catch (const std::exception& error) {
        spdlog::error("http: connection ended by an exception: {}", error.what());
    }
    connection_.close();
}

// gcc 12 destroys aggregates made inside an expression with co_await twice: errors get names first.
awaitable<Session::Next> Session::serve_one() {
    if (cancelled_) co_return Next::Close;
    exchange_.reset();
    parser_.emplace(exchange_.request(), context_.config.limits);
    target_ = {};
    refusal_.reset();
    continue_sent_ = false;

    const Read header = co_await read_header();
    if (header == Read::Closed) co_return Next::CloseIdle;
    if (header == Read::Refused) co_return co_await refuse(*refusal_);
    accept_header();
    if (auto refusal = check_header(*parser_, exchange_.request(), target_, context_.config.allowed_hosts)) {
        context_.counters.malformed.fetch_add(1, std::memory_order_relaxed);
        co_return co_await refuse(*refusal, refusal->status == 405 ? kAllowedMethods : std::string_view());
    }
    context_.counters.requests.fetch_add(1, std::memory_order_relaxed);
    HttpRequest& request = exchange_.request();
    const RouterTable::Match match = context_.routes.find(request.method, target_);
    if (match.route == nullptr && match.allow.empty()) {
        const Error no_path{.code = Errc::NotFound, .detail = "no such path"};
        co_return co_await reject(no_path);
    }
    if (match.route == nullptr) {
        constexpr Refusal kMethod{405, "method_not_allowed", "this path does not offer this method", {}, false};
        co_return co_await refuse(kMethod, match.allow);
    }
    if (match.parameter_at > 0) request.path_parameter = std::string_view(request.path).substr(match.parameter_at);

    CallerPtr caller;
    if (match.route->permission == Permission::TeamKey) {
        caller = context_.authenticator.authenticate(bearer_token(request));  // no key costs as much as a wrong one
        if (!caller) {
            const Error no_key{.code = Errc::Unauthorized, .detail = {}};
            co_return co_await reject(no_key);
        }
    }
    if (auto refusal = check_body_header(*parser_, request, match.route->max_body_bytes))
        co_return co_await refuse(*refusal);
    parser_->limit_body(match.route->max_body_bytes);
    if (!parser_->complete()) {
        auto progress = parse_body();  // most bodies came with their header
        Read body = progress == RequestParser::Progress::Refused ? Read::Refused : Read::Ok;
        if (progress == RequestParser::Progress::NeedMore) body = co_await read_body();
        if (body == Read::Closed) co_return Next::Close;
        if (body == Read::Refused) co_return co_await refuse(*refusal_);
    }

    co_await call_handler(*match.route, std::move(caller));
    co_return exchange_.reusable() ? Next::Request : Next::Close;
}

// ---- reading ----

awaitable<Session::Read> Session::read_header() {
    const HttpTimeouts& timeouts = context_.config.timeouts;
    const auto begin = Connection::Clock::now();
    bool begun = false;
    connection_.expires_at(begin + (first_request_ ? timeouts.header : timeouts.idle));
    first_request_ = false;
    while (true) {
        if (!connection_.input().empty()) {
            std::size_t consumed = 0;
            const auto progress = parser_->parse_header(connection_.input(), consumed);
            connection_.consume(consumed);
            if (progress == RequestParser::Progress::Done) break;
            if (!begun) connection_.expires_at(Connection::Clock::now() + timeouts.header);
            begun = true;
            if (progress == RequestParser::Progress::Refused) {
                context_.counters.malformed.fetch_add(1, std::memory_order_relaxed);
                refusal_ = parser_->refusal();
                co_return Read::Refused;
            }
        } else if (draining_) {
            co_return Read::Closed;
        }
        idle_ = !begun;
        const Input input = co_await connection_.more_input();
        idle_ = false;
        if (input == Input::Bytes) continue;
        if (input == Input::TimedOut && begun) context_.counters.timeouts.fetch_add(1, std::memory_order_relaxed);
        const bool nothing_came = !parser_->started() && connection_.input().empty();
        if (connection_.gone() || nothing_came) co_return Read::Closed;
        refusal_ = input == Input::Ended ? kCutHeader : input == Input::TimedOut ? kHeaderTimeout : kStopped;
        co_return Read::Refused;
    }
    connection_.expires_never();
    co_return Read::Ok;
}

void Session::accept_header() {
    HttpRequest& request = exchange_.request();
    const auto id = request.headers.equal_range("x-request-id");
    const bool one = id.first != id.second && std::next(id.first) == id.second;
    const std::string_view theirs = one ? view(id.first->value()) : std::string_view();
    request.request_id = valid_request_id(theirs) ? std::string(theirs) : make_request_id();
    Persistence persistence = parser_->wants_keep_alive() && !draining_ ? Persistence::KeepAlive : Persistence::Close;
    if (persistence == Persistence::KeepAlive && !parser_->http_1_1()) persistence = Persistence::KeepAliveSaid;
    exchange_.set_form(parser_->http_1_1(), request.method == "HEAD", persistence);
}

RequestParser::Progress Session::parse_body() {
    std::size_t consumed = 0;
    const auto progress = parser_->parse_body(connection_.input(), consumed);
    connection_.consume(consumed);
    if (progress == RequestParser::Progress::Refused) refusal_ = parser_->refusal();
    return progress;
}

awaitable<Session::Read> Session::read_body() {
    const HttpTimeouts& timeouts = context_.config.timeouts;
    const auto begin = Connection::Clock::now();
    while (!parser_->complete()) {
        const auto progress = parse_body();
        if (progress == RequestParser::Progress::Done) break;
        if (progress == RequestParser::Progress::Refused) co_return Read::Refused;
        if (!continue_sent_ && parser_->body_bytes() == 0 && connection_.input().empty() &&
            expects_continue(*parser_, exchange_.request())) {
            continue_sent_ = true;
            if (!connection_.write(kContinue)) co_await connection_.flush();
        }
        // No pause longer than the gap, and after a head start of one gap the lowest rate on average.
        const auto by_rate = std::chrono::milliseconds(parser_->body_bytes() * 1000 /
                                                       std::max<std::size_t>(timeouts.min_body_bytes_per_s, 1));
        connection_.expires_at(
            std::min(Connection::Clock::now() + timeouts.body_gap, begin + timeouts.body_gap + by_rate));
        const Input input = co_await connection_.more_input();
        if (input == Input::Bytes) continue;
        if (input == Input::TimedOut) context_.counters.timeouts.fetch_add(1, std::memory_order_relaxed);
        if (connection_.gone()) co_return Read::Closed;
        refusal_ = input == Input::Ended ? kCutBody : input == Input::TimedOut ? kBodyTimeout : kStopped;
        co_return Read::Refused;
    }
    connection_.expires_never();
    co_return Read::Ok;
}

// ---- answering ----

awaitable<void> Session::call_handler(const Route& route, CallerPtr caller) {
    context_.counters.running.fetch_add(1, std::memory_order_relaxed);
    in_handler_ = true;
    try {
        co_await route.handler(exchange_, std::move(caller));
    } catch (const std::exception& error) {
        spdlog::error("http: {} {}: handler failed: {}", exchange_.request().request_id, route.path, error.what());
    }
    in_handler_ = false;
    context_.counters.running.fetch_sub(1, std::memory_order_relaxed);
    if (exchange_.client_gone()) context_.counters.clients_gone.fetch_add(1, std::memory_order_relaxed);
    Error unanswered{.code = Errc::Internal, .detail = {}};
    if (cancelled_)
        unanswered = {
            .code = Errc::Unavailable, .detail = "the server is shutting down", .retry_after = std::chrono::seconds(1)};
    if (!exchange_.complete()) co_await exchange_.conclude(unanswered);
    count_answer();
}

awaitable<Session::Next> Session::refuse(const Refusal& refusal, std::string_view allow) {
    if (exchange_.request().request_id.empty()) exchange_.request().request_id = make_request_id();
    const bool keep = !refusal.framing_broken && may_skip_body();
    if (!keep) exchange_.close_after();
    std::vector<Header> headers;
    if (!allow.empty()) headers.push_back({"allow", std::string(allow)});
    if (refusal.status == 503) headers.push_back({"retry-after", "1"});
    co_await exchange_.respond(refusal.status, "application/json", error_json(refusal), headers);
    count_answer();
    if (!keep || !exchange_.reusable()) co_return Next::Close;
    co_return co_await skip_body();
}

awaitable<Session::Next> Session::reject(const Error& error) {
    if (!may_skip_body()) exchange_.close_after();
    co_await exchange_.respond_error(error, {});
    count_answer();
    if (!exchange_.reusable()) co_return Next::Close;
    co_return co_await skip_body();
}

// A request was answered before its body was read. A short body of known length is skipped and the connection serves
// on; after "Expect" nobody knows whether the body comes.
bool Session::may_skip_body() {
    if (parser_->complete()) return true;
    if (parser_->chunked() || expects_continue(*parser_, exchange_.request())) return false;
    return parser_->declared_length().value_or(0) <= context_.config.limits.max_discarded_body_bytes;
}

awaitable<Session::Next> Session::skip_body() {
    parser_->limit_body(context_.config.limits.max_discarded_body_bytes);
    parser_->discard_body();
    const Read read = co_await read_body();
    co_return read == Read::Ok ? Next::Request : Next::Close;
}

// ---- drain ----

void Session::begin_drain() {
    draining_ = true;
    if (idle_) connection_.interrupt();
    exchange_.close_after();
}

void Session::cancel_running() {
    cancelled_ = true;
    exchange_.cancel_events();
    if (!in_handler_) return connection_.interrupt();
    // A write that waits is left alone: broken off, it would take the framing with it. Its result tells the handler.
    if (!connection_.flushing()) emit_cancellation();
}

void Session::force() {
    connection_.reset();
}

void Session::emit_cancellation() {
    cancel_.emit(net::cancellation_type::terminal);
}

void Session::count_answer() {
    const auto status_class = static_cast<std::size_t>(exchange_.status() / 100);
    if (status_class < context_.counters.answers.size()) {
        context_.counters.answers[status_class].fetch_add(1, std::memory_order_relaxed);
    }
}

}  // namespace sluice::gateway
