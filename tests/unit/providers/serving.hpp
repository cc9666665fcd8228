// One call of a backend against a scripted upstream over a real socket, and what the client would have seen of it.
#pragma once

#include "providers/openai_backend.hpp"
#include "tests/support/scripted_upstream.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// The real one is in the router, which these tests do not link. Only a class of this name can make a CloudCleared.
namespace sluice::router {
class ClearanceGate {
public:
    static core::CloudCleared clear(std::shared_ptr<const core::ChatRequest> request) {
        return core::CloudCleared(std::move(request));
    }
};
}  // namespace sluice::router

namespace sluice::providers {

using std::chrono::milliseconds;
namespace net = core::net;

inline std::shared_ptr<const core::ChatRequest> chat(const std::string& content, bool stream,
                                                     const std::string& more = {}) {
    auto json = core::parse_json(R"({"model":"auto","messages":[{"role":"user","content":)" + core::dump_json(content) +
                                 "}]" + (stream ? ",\"stream\":true" : "") + more + "}");
    return std::make_shared<const core::ChatRequest>(*core::ChatRequest::from_json(std::move(*json)));
}

class RecordingReply final : public core::ReplySink {
public:
    core::awaitable<core::Result<void>> events(std::span<const std::string_view> chunks) override {
        ++calls;
        for (const auto chunk : chunks) events_seen.emplace_back(chunk);
        if (events_seen.size() >= fail_after) co_return core::Error{core::Errc::Cancelled, "gone"};
        co_return core::Result<void>{};
    }
    core::awaitable<core::Result<void>> body(std::string json) override {
        ++calls;
        body_seen = std::move(json);
        co_return core::Result<void>{};
    }
    core::awaitable<core::Result<void>> heartbeat() override { co_return core::Result<void>{}; }
    bool client_gone() const override { return gone; }

    // The content of all that was seen, put together.
    std::string content() const {
        std::string text;
        for (const auto& event : events_seen) {
            const auto chunk = core::parse_json(event);
            if (!chunk->contains("choices")) continue;
            for (const auto& choice : chunk->at("choices"))
                if (choice.at("delta").contains("content")) text += choice.at("delta").at("content").get<std::string>();
        }
        if (body_seen.empty()) return text;
        const auto whole = core::parse_json(body_seen);
        text += whole->at("choices").at(0).at("message").at("content").get<std::string>();
        return text;
    }

    std::size_t fail_after = SIZE_MAX;  // events, then the client is gone
    bool gone = false;
    int calls = 0;
    std::vector<std::string> events_seen;
    std::string body_seen;
};

struct Served {
    core::ServeOutcome outcome;
    std::unique_ptr<RecordingReply> reply = std::make_unique<RecordingReply>();
    bool finished = false;

    std::optional<core::Errc> error() const {
        return outcome.result ? std::nullopt : std::optional(outcome.result.error().code);
    }
    std::string detail() const { return outcome.result ? "" : outcome.result.error().detail; }
};

// A backend on its own loop, which runs inside of the calls below.
class Caller {
public:
    explicit Caller(const std::string& base_url, const std::function<void(OpenAiConfig&)>& change = {}) {
        OpenAiConfig config;
        config.name = "scripted";
        config.base_url = base_url;
        config.api_key = core::Secret("sk-upstream-key");
        config.timeouts = {.connect = milliseconds(2000),
                           .handshake = milliseconds(2000),
                           .first_byte = milliseconds(400),
                           .idle = milliseconds(400),
                           .keep_alive = milliseconds(30'000)};
        if (change) change(config);
        auto made = OpenAiUpstream::create(std::move(config));
        if (!made) throw std::runtime_error(core::describe(made.error()));
        backend = std::make_unique<OpenAiCloud>(loop, *made);
    }

    // Starts a call; it runs when the loop does. `signal`: cancels it.
    void start(Served& served, std::shared_ptr<const core::ChatRequest> request,
               milliseconds limit = milliseconds(20'000), net::cancellation_signal* signal = nullptr,
               bool throwing = false) {
        const auto done = [&served](std::exception_ptr failed) {
            served.finished = true;
            if (failed) std::rethrow_exception(failed);
        };
        auto call = run(*backend, served, std::move(request), limit, throwing);
        if (signal != nullptr)
            net::co_spawn(loop.get_executor(), std::move(call), net::bind_cancellation_slot(signal->slot(), done));
        else net::co_spawn(loop.get_executor(), std::move(call), done);
    }
    // Runs the loop until the condition holds.
    void run_until(const std::function<bool()>& holds) {
        loop.restart();
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!holds()) {
            loop.run_one_for(milliseconds(5));
            loop.restart();
            ASSERT_LT(std::chrono::steady_clock::now(), give_up) << "it never happened";
        }
    }
    Served serve(std::shared_ptr<const core::ChatRequest> request, milliseconds limit = milliseconds(20'000)) {
        Served served;
        start(served, std::move(request), limit);
        run_until([&] { return served.finished; });
        return served;
    }

    net::io_context loop{1};
    std::unique_ptr<OpenAiCloud> backend;

private:
    static core::awaitable<void> run(OpenAiCloud& backend, Served& served,
                                     std::shared_ptr<const core::ChatRequest> request, milliseconds limit,
                                     bool throwing) {
        co_await net::this_coro::throw_if_cancelled(throwing);
        const auto cleared = router::ClearanceGate::clear(std::move(request));
        const core::ServeOptions options{.model = "upstream-model",
                                         .max_tokens = 100,
                                         .deadline = core::Deadline::after(limit),
                                         .request_id = "req-123"};
        served.outcome = co_await backend.serve(cleared, options, *served.reply);
    }
};

// A file that is removed again.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& content) {
        std::string pattern = (std::filesystem::temp_directory_path() / "sluice-test-XXXXXX").string();
        ::close(::mkstemp(pattern.data()));
        path_ = pattern;
        std::ofstream(path_) << content;
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() { std::filesystem::remove(path_); }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace sluice::providers
