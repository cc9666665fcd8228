// A ReplySink that rewrites the texts of an answer on their way to the next sink: restoring, masking.
#pragma once

#include "core/reply_sink.hpp"
#include "router/answer_rewriter.hpp"

#include <utility>

namespace sluice::router {

class RewritingSink final : public core::ReplySink {
public:
    // `next` outlives this.
    RewritingSink(core::ReplySink& next, MakeFilter make) : next_(next), rewriter_(std::move(make)) {}

    core::awaitable<core::Result<void>> events(std::span<const std::string_view> chunks) override;
    core::awaitable<core::Result<void>> body(std::string json) override;
    core::awaitable<core::Result<void>> heartbeat() override { return next_.heartbeat(); }
    bool client_gone() const override { return next_.client_gone(); }

    // After a complete stream: passes on what is still held back.
    core::awaitable<core::Result<void>> finish();

private:
    core::ReplySink& next_;
    AnswerRewriter rewriter_;
};

}  // namespace sluice::router
