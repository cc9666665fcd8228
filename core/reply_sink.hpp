// Where a backend's answer goes: the client's connection, or a recorder in front of it.
// All calls run on the request's event loop. An error means that nobody listens any more: stop the work.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/async.hpp"
#include "core/result.hpp"

namespace sluice::core {

class ReplySink {
public:
    ReplySink() = default;
    ReplySink(const ReplySink&) = delete;
    ReplySink& operator=(const ReplySink&) = delete;
    virtual ~ReplySink() = default;

    // Streaming requests: OpenAI chat.completion.chunk objects as JSON text, without SSE framing and without [DONE].
    // All chunks of one call leave in one write; views are valid until the call completes.
    virtual awaitable<Result<void>> events(std::span<const std::string_view> chunks) = 0;
    // Other requests: the whole chat.completion object as JSON text, exactly once.
    virtual awaitable<Result<void>> body(std::string json) = 0;
    // Streaming requests that wait: an SSE comment keeps proxies from closing the connection.
    virtual awaitable<Result<void>> heartbeat() = 0;
    // True once the client has closed its connection. Checked before work that costs money is started.
    virtual bool client_gone() const = 0;
};

}  // namespace sluice::core
