// One OpenAI-style upstream on one event loop: what OpenAiCloud and OpenAiLocal share.
#pragma once

#include "core/backend.hpp"
#include "providers/https_client.hpp"
#include "providers/openai_backend.hpp"

#include <memory>

namespace sluice::providers {

struct Call;  // one serve(): call.hpp

class OpenAiProtocol {
public:
    OpenAiProtocol(core::net::io_context& loop, std::shared_ptr<const OpenAiUpstream> upstream);

    // Never throws. The contract of core/backend.hpp.
    core::awaitable<core::ServeOutcome> serve(const core::ChatRequest& request, const core::ServeOptions& options,
                                              core::ReplySink& reply);

    const ConnectionPool& pool() const { return client_.pool(); }

private:
    core::awaitable<core::Result<void>> exchange(Call& call);
    core::awaitable<core::Result<void>> read_error(HttpAnswer answer);
    core::awaitable<core::Result<void>> read_plain(Call& call, HttpAnswer answer);
    core::awaitable<core::Result<void>> read_stream(Call& call, HttpAnswer answer);

    std::shared_ptr<const OpenAiUpstream> upstream_;
    HttpsClient client_;
};

}  // namespace sluice::providers
