// Hand-written stand-ins for the pipeline's neighbours: backends that do as told, a client that remembers what it got, a
// ledger that only adds up.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <deque>
#include <functional>

#include "router/pipeline.hpp"

namespace sluice::router::testing {

using core::awaitable;
using core::Result;

inline core::Error failed(core::Errc code) { return core::Error{code, "scripted"}; }

// What one call to a spy backend does.
struct Script {
    std::vector<std::string> chunks;        // streamed before the end
    std::string body;                       // plain
    core::ServeOutcome outcome;
};

inline Script answers(std::string text, core::Tokens prompt, core::Tokens completion) {
    Script script{.chunks = {"{\"c\":\"" + text + "\"}"}, .body = "{\"b\":\"" + text + "\"}", .outcome = {}};
    script.outcome.usage = {.prompt = prompt, .completion = completion};
    script.outcome.usage_known = script.outcome.reached = script.outcome.answered = true;
    return script;
}

inline Script breaks(core::Errc code, bool reached = true) {
    Script script{.chunks = {}, .body = {}, .outcome = {}};
    script.outcome.result = failed(code);
    script.outcome.reached = reached;
    script.outcome.retry_may_help = true;
    return script;
}

class Spy {
public:
    std::deque<Script> scripts;      // one per call; the last one repeats
    std::vector<std::string> seen;   // bodies of the requests it was given
    std::function<void()> before_answer = {};

protected:
    awaitable<core::ServeOutcome> play(const core::ChatRequest& request, core::ReplySink& reply) {
        seen.push_back(core::dump_json(request.body()));
        if (before_answer) before_answer();
        Script script = scripts.front();
        if (scripts.size() > 1) scripts.pop_front();
        if (request.stream() && !script.chunks.empty()) {
            const std::vector<std::string_view> views(script.chunks.begin(), script.chunks.end());
            co_await reply.events(views);
        } else if (!request.stream() && script.outcome.result) {
            co_await reply.body(script.body);
        }
        co_return script.outcome;
    }
};

class SpyCloud final : public core::CloudBackend, public Spy {
public:
    awaitable<core::ServeOutcome> serve(const core::CloudCleared& request, const core::ServeOptions&, core::ReplySink& reply) override {
        co_return co_await play(request.request(), reply);
    }
};
class SpyLocal final : public core::LocalBackend, public Spy {
public:
    awaitable<core::ServeOutcome> serve(const core::ChatRequest& request, const core::ServeOptions&, core::ReplySink& reply) override {
        co_return co_await play(request, reply);
    }
};

class RememberingClient final : public ClientReply {
public:
    ReplyHead head;  // of the next two
    std::string decision;
    std::string target;
    std::vector<std::string> chunks;
    std::string whole;
    std::string failure;
    bool ended = false;
    bool gone = false;
    bool begun = false;
    std::function<void()> on_end = [] {};

    void set_head(const ReplyHead& value) override {
        decision = value.decision;
        target = value.target;
        head = value;
        head.decision = decision;
        head.target = target;
    }
    bool started() const override { return begun; }
    bool client_gone() const override { return gone; }
    awaitable<Result<void>> events(std::span<const std::string_view> more) override {
        begun = true;
        for (const auto chunk : more) chunks.emplace_back(chunk);
        co_return Result<void>{};
    }
    awaitable<Result<void>> body(std::string json) override {
        begun = true;
        whole = std::move(json);
        on_end();
        co_return Result<void>{};
    }
    awaitable<Result<void>> heartbeat() override { co_return Result<void>{}; }
    awaitable<Result<void>> end() override {
        ended = true;
        on_end();
        co_return Result<void>{};
    }
    awaitable<Result<void>> fail(const core::Error& error) override {
        failure = error.detail;
        co_return Result<void>{};
    }
};

class AddingLedger final : public policies::Ledger {
public:
    core::NanoUsd cap = core::NanoUsd::max();
    core::NanoUsd held;
    std::vector<policies::Settlement> settled;
    std::vector<std::string> recorded;

    awaitable<Result<policies::Hold>> hold(policies::HoldRequest request) override {
        if (request.amount > cap) co_return failed(core::Errc::BudgetExceeded);
        held = request.amount;
        co_return policies::Hold{*this, {.id = request.id, .caller = request.caller, .amount = request.amount}};
    }
    awaitable<Result<void>> extend(policies::Hold& hold, core::NanoUsd more) override {
        if (held + more > cap) co_return failed(core::Errc::BudgetExceeded);
        held = held + more;
        hold.grow(more);
        co_return Result<void>{};
    }
    void sent(policies::Hold& hold) noexcept override { hold.mark_sent(); }
    awaitable<Result<void>> settle(policies::Hold hold, policies::Settlement settlement) override {
        hold.close();
        settled.push_back(std::move(settlement));
        co_return Result<void>{};
    }
    awaitable<Result<void>> record(std::string, policies::CallerPtr, std::string json) override {
        recorded.push_back(std::move(json));
        co_return Result<void>{};
    }
    std::optional<std::string> find_decision(const std::string&, core::TeamId) override { return std::nullopt; }
    bool writable() const override { return true; }
    void settle_unattended(policies::HoldTicket, core::NanoUsd) noexcept override { ADD_FAILURE() << "a hold was left open"; }
};

}  // namespace sluice::router::testing
