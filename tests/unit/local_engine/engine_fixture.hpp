// What the tests of the engine share: requests from one loop to an engine on a tiny model of tests/data/engine, which
// talks nonsense, but always the same.
#pragma once

#include "core/json.hpp"
#include "golden.hpp"
#include "local_engine/engine.hpp"

#include <boost/asio.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace sluice::local_engine {

class EngineTest : public ::testing::Test {
protected:
    using Errc = core::Errc;
    using Json = core::Json;

    class RecordedReply final : public core::ReplySink {
    public:
        core::awaitable<core::Result<void>> events(std::span<const std::string_view> views) override {
            for (const std::string_view view : views) chunks.push_back(core::parse_json(view).value());
            if (on_events) on_events();
            if (fail_after >= 0 && std::ssize(chunks) > fail_after)
                co_return core::Error{Errc::Cancelled, "connection closed"};
            co_return core::Result<void>{};
        }
        core::awaitable<core::Result<void>> body(std::string json) override {
            whole = core::parse_json(json).value();
            co_return core::Result<void>{};
        }
        core::awaitable<core::Result<void>> heartbeat() override {
            ++heartbeats;
            co_return core::Result<void>{};
        }
        bool client_gone() const override { return gone; }

        std::string text(int choice = 0) const {
            std::string all;
            for (const Json& chunk : chunks) {
                for (const Json& part : chunk.at("choices")) {
                    if (part.at("index") == choice) all += part.at("delta").value("content", "");
                }
            }
            return all;
        }

        std::vector<Json> chunks;
        Json whole;
        int heartbeats = 0;
        int fail_after = -1;
        bool gone = false;
        std::function<void()> on_events;
    };

    static core::ChatRequest chat(const Json& more = Json::object(), const std::string& content = "Hello there") {
        Json body{{"model", "tiny"}, {"messages", Json::array({{{"role", "user"}, {"content", content}}})}};
        body.update(more);
        return core::ChatRequest::from_json(std::move(body)).value();
    }

    struct Call {
        core::ChatRequest request;
        core::Tokens max_tokens = 20;
        std::chrono::milliseconds time{60000};
        std::string tenant = "t";
        RecordedReply reply = {};
        core::ServeOutcome outcome = {};
        core::net::cancellation_signal cancel = {};
    };

    // As gateway sessions do it: cancellation shows as an error code.
    static core::awaitable<void> session(core::LocalBackend& engine, Call& call) {
        co_await core::net::this_coro::throw_if_cancelled(false);
        const core::ServeOptions options{.model = "tiny",
                                         .max_tokens = call.max_tokens,
                                         .deadline = core::Deadline::after(call.time),
                                         .request_id = "r1",
                                         .tenant = call.tenant};
        call.outcome = co_await engine.serve(call.request, options, call.reply);
    }

    static EngineConfig tiny(const std::string& name = "qwen3moe-n-Q8_0") {
        return {.model = testing::bundled_goldens() / (name + ".gguf"), .threads = 1};
    }

    void load(const EngineConfig& config) {
        auto loaded = Engine::load(config);
        ASSERT_TRUE(loaded) << core::describe(loaded.error());
        engine_ = std::move(*loaded);
    }
    void SetUp() override { load(tiny()); }

    void start(Call& call) { start(call, *engine_); }
    void start(Call& call, core::LocalBackend& backend) {
        core::net::co_spawn(loop_, session(backend, call),
                            core::net::bind_cancellation_slot(call.cancel.slot(), [](std::exception_ptr failure) {
                                if (failure) std::rethrow_exception(failure);
                            }));
    }
    void run() {
        loop_.restart();
        loop_.run();
    }
    // The whole of one call.
    void serve(Call& call) {
        start(call);
        run();
    }
    void wait_until_idle() {
        for (int i = 0; i < 5000 && (engine_->status().running + engine_->status().waiting) > 0; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }

    core::net::io_context loop_;
    std::unique_ptr<Engine> engine_;
};

}  // namespace sluice::local_engine
