// One request and its answer over a Connection: frames whole answers and event streams. Reused for the requests of a
// connection.
#pragma once

#include "gateway/http/connection.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/http/response_head.hpp"

#include <string>

namespace sluice::gateway {

class HttpExchange final : public Exchange {
public:
    explicit HttpExchange(Connection& connection) : connection_(connection) {}

    void reset();  // before the next request
    // What the client can read: decided when its header is known.
    void set_form(bool http_1_1, bool head_only, Persistence persistence);
    void close_after() { persistence_ = Persistence::Close; }
    // The server ends this exchange now: events are refused, and a stream that had begun is ended with an error event.
    void cancel_events() { cancelled_ = true; }

    HttpRequest& request() override { return request_; }
    core::awaitable<core::Result<void>> respond(int status, std::string_view content_type, std::string body,
                                                std::span<const Header> headers) override;
    core::awaitable<core::Result<void>> respond_error(const core::Error& error,
                                                      std::span<const Header> headers) override;
    core::awaitable<core::Result<void>> start_events(std::span<const Header> headers) override;
    core::awaitable<core::Result<void>> write(std::string_view framed_events) override;
    core::awaitable<core::Result<void>> finish(std::string_view last_events) override;
    void abandon() override;
    bool started() const override { return state_ != State::Fresh; }
    bool client_gone() const override { return connection_.gone() || connection_.failed(); }

    // After the handler: an answer that is missing or has no end gets one, and the connection ends.
    core::awaitable<void> conclude(const core::Error& unanswered);
    // The answer is complete, framed and sent, and the connection may carry another.
    bool reusable() const {
        return state_ == State::Complete && persistence_ != Persistence::Close && !connection_.failed();
    }
    bool complete() const { return state_ == State::Complete; }
    // A stream that HTTP/1.0 would take for finished when the connection ends in order.
    bool must_reset() const { return state_ == State::Abandoned && !http_1_1_ && status_ != 0; }
    int status() const { return status_; }

private:
    enum class State { Fresh, Events, Complete, Abandoned, Failed };  // Failed: ended with an error event

    core::Result<void> sent();  // how it went, once what is formatted was sent
    void append_events(std::string_view events);
    core::Result<void> outcome() const;

    Connection& connection_;
    HttpRequest request_;
    std::string out_;  // formatted, not yet sent
    State state_ = State::Fresh;
    Persistence persistence_ = Persistence::KeepAlive;
    bool http_1_1_ = true;
    bool head_only_ = false;
    bool cancelled_ = false;
    int status_ = 0;
};

}  // namespace sluice::gateway
