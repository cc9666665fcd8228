// The client's end of a request, as the pipeline sees it: a ReplySink that also knows how an answer begins and ends.
// Made by the gateway for each request; lives on the request's event loop.
#pragma once

#include <string>
#include <string_view>

#include "core/data_class.hpp"
#include "core/reply_sink.hpp"

namespace sluice::router {

enum class CacheStatus { Off, Miss, Hit };

// What the response headers x-sluice-* say. Valid as soon as a target is chosen.
struct ReplyHead {
    std::string_view decision;
    std::string_view target;  // empty when nothing was served
    core::Zone zone = core::Zone::Local;
    core::DataClass data_class = core::DataClass::Restricted;
    CacheStatus cache = CacheStatus::Off;
};

class ClientReply : public core::ReplySink {
public:
    // Before the first byte; a fallback to another target calls it again. Ignored once started.
    // Its views need not outlive the call.
    virtual void set_head(const ReplyHead& head) = 0;
    // True once a byte of the answer is on the wire: from here on nothing can be retried.
    virtual bool started() const = 0;
    // Ends a complete stream with [DONE]. Called only after the ledger has the result.
    virtual core::awaitable<core::Result<void>> end() = 0;
    // Ends a started stream with an in-band error event and closes the connection: it must not look finished.
    virtual core::awaitable<core::Result<void>> fail(const core::Error& error) = 0;
};

}  // namespace sluice::router
