// One HTTP request and the answer to it, as handlers see them. The session behind it owns framing, limits and timeouts;
// a handler owns meaning. All calls run on the connection's event loop; references live until the handler returns.
#pragma once

#include "core/async.hpp"
#include "core/caller.hpp"
#include "core/result.hpp"
#include "gateway/http/request.hpp"

#include <boost/beast/http/fields.hpp>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace sluice::gateway {

class Exchange {
public:
    Exchange() = default;
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    virtual ~Exchange() = default;

    virtual HttpRequest& request() = 0;

    // Whole answers, exactly one per exchange. Content-Length, Date, x-request-id and connection headers are added.
    virtual core::awaitable<core::Result<void>> respond(int status, std::string_view content_type, std::string body,
                                                        std::span<const Header> headers = {}) = 0;
    // An error in the OpenAI shape {"error": {message, type, param, code}}; status and Retry-After from the error.
    virtual core::awaitable<core::Result<void>> respond_error(const core::Error& error,
                                                              std::span<const Header> headers = {}) = 0;

    // Server-sent events: 200, text/event-stream, chunked (HTTP/1.0: until close). start_events() fixes the answer; its
    // header leaves with the first write, in one system call. write() takes framed bytes and sends them at once.
    virtual core::awaitable<core::Result<void>> start_events(std::span<const Header> headers = {}) = 0;
    virtual core::awaitable<core::Result<void>> write(std::string_view framed_events) = 0;
    // Last events (may be none) and the terminating chunk in one write; the connection stays usable.
    virtual core::awaitable<core::Result<void>> finish(std::string_view last_events = {}) = 0;
    virtual void abandon() = 0;  // no terminating chunk; the connection is closed

    virtual bool started() const = 0;      // respond(), respond_error() or start_events() was called
    virtual bool client_gone() const = 0;  // the client closed its connection
};

enum class Permission { Anyone, TeamKey };  // every route declares one; a route without one cannot be written

using CallerPtr = std::shared_ptr<const core::Caller>;
// `caller` is null for Permission::Anyone.
using Handler = std::function<core::awaitable<void>(Exchange&, CallerPtr caller)>;

struct Route {
    std::string method;
    std::string path;  // literal, or with one trailing parameter: "/v1/decisions/{id}"
    Permission permission;
    std::size_t max_body_bytes = 0;
    Handler handler;
};

// Checks a bearer token in constant time; null when unknown or revoked. Called before the body is read. Thread-safe.
class Authenticator {
public:
    virtual ~Authenticator() = default;
    virtual CallerPtr authenticate(std::string_view token) const = 0;
};

}  // namespace sluice::gateway
