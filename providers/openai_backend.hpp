// Upstreams that speak OpenAI's chat completions: clouds (OpenAI, DeepSeek, ...) and servers of one's own (vLLM,
// llama.cpp, ...) in the local zone. Both are the same protocol; they differ in what they accept (core/backend.hpp).
//
// What is sent: the client's JSON with the upstream's model name, the clamped completion limit and, for streams,
// stream_options.include_usage; unknown fields stay. What comes back is checked and passed on byte for byte; upstream
// headers, cookies, redirects and error texts are not.
#pragma once

#include "core/backend.hpp"
#include "core/data_class.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"
#include "providers/endpoint.hpp"
#include "providers/limits.hpp"

#include <boost/asio/ssl/context.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::providers {

// The name a provider has for the completion limit.
enum class TokenLimitField { AsClient, MaxTokens, MaxCompletionTokens };  // AsClient: max_tokens when it named none

struct OpenAiConfig {
    std::string name;      // "deepseek": for logs and errors
    std::string base_url;  // "https://api.deepseek.com/v1"; /chat/completions or /embeddings is appended
    core::Secret api_key;  // empty: no Authorization header
    core::Zone zone = core::Zone::Cloud;
    UpstreamTimeouts timeouts = {};
    std::filesystem::path ca_file = {};  // more certificates to trust, beside the system's
    int max_connections = 64;            // per event loop
    TokenLimitField token_limit = TokenLimitField::AsClient;
    std::vector<std::pair<std::string, std::string>> headers = {};  // sent with every request ("OpenAI-Organization")
};

// What the backends of one provider on all event loops share: checked configuration and TLS context. Immutable.
class OpenAiUpstream {
public:
    // Errors: InvalidRequest, naming the setting (base_url, api_key, headers, ca_file).
    static core::Result<std::shared_ptr<const OpenAiUpstream>> create(OpenAiConfig config);
    OpenAiUpstream(const OpenAiUpstream&) = delete;
    OpenAiUpstream& operator=(const OpenAiUpstream&) = delete;
    ~OpenAiUpstream() = default;

    const OpenAiConfig& config() const { return config_; }
    const Endpoint& endpoint() const { return endpoint_; }
    core::net::ssl::context* tls() const { return tls_.get(); }  // null: plain http
    // Request line and the header fields that are the same in every request; holds the key.
    const core::Secret& request_head(core::Operation operation = core::Operation::Chat) const {
        return operation == core::Operation::Embeddings ? embeddings_head_ : request_head_;
    }

private:
    OpenAiUpstream(OpenAiConfig config, Endpoint endpoint, std::unique_ptr<core::net::ssl::context> tls);

    OpenAiConfig config_;
    Endpoint endpoint_;
    std::unique_ptr<core::net::ssl::context> tls_;
    core::Secret request_head_, embeddings_head_;
};

class OpenAiProtocol;  // one upstream on one loop: openai_protocol.hpp

// One per event loop; used on it only.
class OpenAiCloud final : public core::CloudBackend {
public:
    OpenAiCloud(core::net::io_context& loop, std::shared_ptr<const OpenAiUpstream> upstream);
    ~OpenAiCloud() override;
    core::awaitable<core::ServeOutcome> serve(const core::CloudCleared& request, const core::ServeOptions& options,
                                              core::ReplySink& reply) override;

private:
    std::unique_ptr<OpenAiProtocol> protocol_;
};

class OpenAiLocal final : public core::LocalBackend {
public:
    OpenAiLocal(core::net::io_context& loop, std::shared_ptr<const OpenAiUpstream> upstream);
    ~OpenAiLocal() override;
    core::awaitable<core::ServeOutcome> serve(const core::ChatRequest& request, const core::ServeOptions& options,
                                              core::ReplySink& reply) override;

private:
    std::unique_ptr<OpenAiProtocol> protocol_;
};

}  // namespace sluice::providers
