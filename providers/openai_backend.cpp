#include "providers/openai_backend.hpp"

#include "core/net/client_tls.hpp"
#include "providers/openai_protocol.hpp"

#include <boost/beast/core/string.hpp>

#include <algorithm>
#include <array>

namespace sluice::providers {

namespace {

using core::Errc;
using core::Error;
using core::Result;

// Fields that this program writes itself; a second one from the configuration would be ambiguous on the wire.
constexpr std::array<std::string_view, 14> kOwnFields{"Host",
                                                      "Authorization",
                                                      "Content-Type",
                                                      "Content-Length",
                                                      "Content-Encoding",
                                                      "Accept",
                                                      "Accept-Encoding",
                                                      "Connection",
                                                      "Keep-Alive",
                                                      "TE",
                                                      "Transfer-Encoding",
                                                      "Upgrade",
                                                      "Trailer",
                                                      "x-request-id"};

bool is_value(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < '\x7f'; });
}

bool is_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

Result<void> check(const OpenAiConfig& config) {
    const auto key = config.api_key.expose();
    if (!is_value(key) || key.find(' ') != std::string_view::npos)
        return Error{Errc::InvalidRequest, "has a space, a control character or a byte outside of ASCII", "api_key"};
    for (const auto& [name, value] : config.headers) {
        if (!is_name(name) || !is_value(value))
            return Error{Errc::InvalidRequest, "'" + (is_name(name) ? name : "?") + "' is not a valid header",
                         "headers"};
        for (const auto own : kOwnFields)
            if (boost::beast::iequals({own.data(), own.size()}, name))
                return Error{Errc::InvalidRequest, "'" + name + "' is set by the gateway", "headers"};
    }
    return {};
}

std::string make_request_head(const OpenAiConfig& config, const Endpoint& endpoint, std::string_view path) {
    std::string head = "POST " + endpoint.path + std::string(path) + " HTTP/1.1\r\n";
    const auto add = [&head](std::string_view name, std::string_view value) {
        head.append(name).append(": ").append(value).append("\r\n");
    };
    add("Host", endpoint.authority());
    if (!config.api_key.empty()) {
        head += "Authorization: Bearer ";
        head.append(config.api_key.expose()).append("\r\n");
    }
    add("Content-Type", "application/json");
    add("Accept", "application/json, text/event-stream");
    add("Accept-Encoding", "identity");
    const bool named = std::any_of(config.headers.begin(), config.headers.end(),
                                   [](const auto& field) { return boost::beast::iequals(field.first, "User-Agent"); });
    if (!named) add("User-Agent", "sluice/0.1");
    for (const auto& [name, value] : config.headers) add(name, value);
    return head;
}

}  // namespace

OpenAiUpstream::OpenAiUpstream(OpenAiConfig config, Endpoint endpoint, std::unique_ptr<core::net::ssl::context> tls)
    : config_(std::move(config)),
      endpoint_(std::move(endpoint)),
      tls_(std::move(tls)),
      request_head_(make_request_head(config_, endpoint_, "/chat/completions")),
      embeddings_head_(make_request_head(config_, endpoint_, "/embeddings")) {}

Result<std::shared_ptr<const OpenAiUpstream>> OpenAiUpstream::create(OpenAiConfig config) {
    auto endpoint = parse_base_url(config.base_url);
    if (!endpoint) return endpoint.error();
    if (auto checked = check(config); !checked) return checked.error();
    std::unique_ptr<core::net::ssl::context> tls;
    if (endpoint->tls) {
        auto made = core::make_client_tls(config.ca_file);
        if (!made) return made.error();
        tls = std::move(*made);
    }
    return std::shared_ptr<const OpenAiUpstream>(
        new OpenAiUpstream(std::move(config), std::move(*endpoint), std::move(tls)));
}

OpenAiCloud::OpenAiCloud(core::net::io_context& loop, std::shared_ptr<const OpenAiUpstream> upstream)
    : protocol_(std::make_unique<OpenAiProtocol>(loop, std::move(upstream))) {}
OpenAiCloud::~OpenAiCloud() = default;

core::awaitable<core::ServeOutcome> OpenAiCloud::serve(const core::CloudCleared& request,
                                                       const core::ServeOptions& options, core::ReplySink& reply) {
    return protocol_->serve(request.request(), options, reply);
}

OpenAiLocal::OpenAiLocal(core::net::io_context& loop, std::shared_ptr<const OpenAiUpstream> upstream)
    : protocol_(std::make_unique<OpenAiProtocol>(loop, std::move(upstream))) {}
OpenAiLocal::~OpenAiLocal() = default;

core::awaitable<core::ServeOutcome> OpenAiLocal::serve(const core::ChatRequest& request,
                                                       const core::ServeOptions& options, core::ReplySink& reply) {
    return protocol_->serve(request, options, reply);
}

}  // namespace sluice::providers
