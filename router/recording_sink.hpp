// Sits between a backend and the client: knows what the client has seen, keeps the answer for the cache, and holds a
// plain answer back until the ledger has the result, so that nothing is delivered that is not recorded.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "router/answer_text.hpp"
#include "router/client_reply.hpp"

namespace sluice::router {

class RecordingSink final : public core::ReplySink {
public:
    // Streams longer than `most_kept_bytes` are passed on but not kept for the cache.
    RecordingSink(ClientReply& client, std::size_t most_kept_bytes) : client_(client), most_kept_bytes_(most_kept_bytes) {}

    core::awaitable<core::Result<void>> events(std::span<const std::string_view> chunks) override;
    core::awaitable<core::Result<void>> body(std::string json) override;
    core::awaitable<core::Result<void>> heartbeat() override { return client_.heartbeat(); }
    bool client_gone() const override { return client_.client_gone(); }

    // From here on what the client is sent is collected there as text as well; it outlives this.
    void collect(AnswerText& text) { text_ = &text; }

    // Chunks handed to the client: for the cache, empty when too long.
    const std::vector<std::string>& chunks() const { return chunks_; }
    bool complete() const { return !too_long_; }
    // The plain answer, held back.
    std::optional<std::string>& held_body() { return body_; }

private:
    ClientReply& client_;
    std::size_t most_kept_bytes_;
    std::size_t kept_bytes_ = 0;
    bool too_long_ = false;
    std::vector<std::string> chunks_;
    std::optional<std::string> body_;
    AnswerText* text_ = nullptr;
};

}  // namespace sluice::router
