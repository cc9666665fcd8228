// A router::ClientReply over one HTTP exchange: OpenAI chunks become server-sent events, whole answers become a JSON body,
// and both carry the x-sluice-* headers.
#pragma once

#include "gateway/http/exchange.hpp"
#include "router/client_reply.hpp"

namespace sluice::gateway {

class SseReply final : public router::ClientReply {
public:
    explicit SseReply(Exchange& exchange) : exchange_(exchange) {}

    void set_head(const router::ReplyHead& head) override;
    bool started() const override { return exchange_.started(); }
    bool client_gone() const override { return exchange_.client_gone(); }
    core::awaitable<core::Result<void>> events(std::span<const std::string_view> chunks) override;
    core::awaitable<core::Result<void>> body(std::string json) override;
    core::awaitable<core::Result<void>> heartbeat() override;
    core::awaitable<core::Result<void>> end() override;
    core::awaitable<core::Result<void>> fail(const core::Error& error) override;

    // For answers the gateway gives itself: errors still say which decision they belong to.
    std::vector<Header> headers() const;

private:
    core::awaitable<core::Result<void>> write(std::string_view framed);

    Exchange& exchange_;
    router::ReplyHead head_;  // of what follows
    std::string decision_;
    std::string target_;
    std::vector<Header> headers_;  // of a body on its way
    std::string frame_;  // reused between events
};

// "data: <json>\n\n"; JSON with line breaks becomes several data lines, as the SSE rules ask.
void append_event(std::string& out, std::string_view json);

}  // namespace sluice::gateway
