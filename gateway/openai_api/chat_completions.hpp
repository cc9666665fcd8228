// The OpenAI surface: bytes to ChatRequest, pipeline, and back. One set of handlers serves all event loops; each request
// uses the pipeline of the loop it arrived on.
#pragma once

#include <memory>
#include <vector>

#include "gateway/http/exchange.hpp"
#include "router/pipeline.hpp"

namespace sluice::gateway {

struct OpenAiApiConfig {
    std::size_t max_body_bytes = 8U << 20U;
    std::chrono::seconds request_deadline{600};
    core::ChatLimits limits = {};
};

class OpenAiApi {
public:
    // `pipelines[i]` belongs to event loop i. All references outlive the server.
    OpenAiApi(std::vector<router::Pipeline*> pipelines, const router::Targets& targets, policies::Ledger& ledger, OpenAiApiConfig config)
        : pipelines_(std::move(pipelines)), targets_(targets), ledger_(ledger), config_(config) {}

    std::vector<Route> routes();

private:
    core::awaitable<void> chat(Exchange& exchange, CallerPtr caller);
    core::awaitable<void> embeddings(Exchange& exchange, CallerPtr caller);
    core::awaitable<void> serve(Exchange& exchange, CallerPtr caller, core::Operation operation);
    core::awaitable<void> route(Exchange& exchange, CallerPtr caller);
    core::awaitable<void> models(Exchange& exchange, CallerPtr caller);
    core::awaitable<void> decision(Exchange& exchange, CallerPtr caller);
    core::Result<router::Incoming> read(Exchange& exchange, CallerPtr caller, core::Operation operation) const;

    std::vector<router::Pipeline*> pipelines_;
    const router::Targets& targets_;
    policies::Ledger& ledger_;
    OpenAiApiConfig config_;
};

}  // namespace sluice::gateway
