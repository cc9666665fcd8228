// What can answer a request. The two interfaces differ in what they accept: a cloud backend takes only cleared requests.
//
// Cancellation: when the client goes, the pending operation of the session's coroutine completes with operation_aborted.
// Sessions run with throw_if_cancelled(false), so a backend sees that as an error code, stops its upstream work and
// returns an outcome with Errc::Cancelled and the usage so far. serve() does not throw.
#pragma once

#include <string>
#include <string_view>

#include "core/chat.hpp"
#include "core/cleared.hpp"
#include "core/deadline.hpp"
#include "core/reply_sink.hpp"
#include "core/usage.hpp"

namespace sluice::core {

struct ServeOptions {
    std::string_view model;       // the upstream's own name of the model
    Tokens max_tokens = 0;        // completion limit per choice, already clamped by policy; always sent upstream
    Deadline deadline;            // for the whole call
    std::string_view request_id;  // sent upstream as x-request-id; made by us
    std::string_view tenant = {}; // opaque id of the team: fairness and cache partition in the engine
};

struct ServeOutcome {
    Result<void> result = Result<void>{};
    Usage usage = {};              // reported, or counted by the backend with estimated = true
    bool usage_known = false;      // usage holds something to settle from
    bool reached = false;          // request bytes were sent: the provider may have worked, and may bill
    bool answered = false;         // a 2xx status line arrived, so a cut after this point is likely billed
    std::size_t answer_bytes = 0;  // completion text seen: the bound when the stream was cut before usage
    std::string finish_reason = {};
    bool retry_may_help = false;   // before the first byte only: reset, timeout, 429, 5xx
};

class CloudBackend {
public:
    CloudBackend() = default;
    CloudBackend(const CloudBackend&) = delete;
    CloudBackend& operator=(const CloudBackend&) = delete;
    virtual ~CloudBackend() = default;
    virtual awaitable<ServeOutcome> serve(const CloudCleared& request, const ServeOptions& options, ReplySink& reply) = 0;
};

class LocalBackend {
public:
    LocalBackend() = default;
    LocalBackend(const LocalBackend&) = delete;
    LocalBackend& operator=(const LocalBackend&) = delete;
    virtual ~LocalBackend() = default;
    virtual awaitable<ServeOutcome> serve(const ChatRequest& request, const ServeOptions& options, ReplySink& reply) = 0;
};

}  // namespace sluice::core
