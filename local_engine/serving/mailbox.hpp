// Where the engine thread leaves an answer for the coroutine that waits for it. The engine thread never waits: text
// piles up here, bounded by the answer's token limit, and the coroutine takes all of it at once. Waking goes through
// the coroutine's own event loop. One per request; shared by both sides, so that neither cares which of them goes
// first.
#pragma once

#include "core/async.hpp"
#include "core/money.hpp"
#include "core/result.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::local_engine {

// Log-probabilities of one token of an answer, and of the likeliest ones in its place, in words.
struct TokenReport {
    struct Item {
        std::string bytes;  // of the token; not necessarily UTF-8
        float log_probability = 0.0F;
    };
    Item chosen;
    std::vector<Item> best;
};

// What has happened to one choice of the answer since the last look.
struct ChoiceNews {
    std::string text = {};
    std::string finish_reason = {};  // "stop" or "length" once it is over, told once
    std::vector<TokenReport> reports = {};
    std::vector<float> vector = {};  // of a text that was embedded
};

struct News {
    std::vector<ChoiceNews> choices;
    std::optional<core::Error> error = std::nullopt;
    bool empty() const;
};

class Mailbox : public std::enable_shared_from_this<Mailbox> {
public:
    explicit Mailbox(std::size_t choices) : pending_(choices) {}

    // Engine thread. A token of a choice, with the text it adds, why the choice ends, if it does, and the reports of
    // tokens whose text has now left.
    void deliver(std::size_t choice, std::string_view text, std::string_view finish_reason,
                 std::vector<TokenReport> reports = {});
    void deliver_vector(std::size_t choice, std::vector<float> vector);  // the text is done
    void fail(core::Error error);
    void note_found(core::Tokens tokens) { found_ = tokens; }  // of the prompt, in the team's own cache
    void note_thought() { ++thought_tokens_; }  // the token delivered next belongs to a thought
    void start() { started_ = true; }  // the prompt is being computed
    bool abandoned() const { return abandoned_; }

    // Any thread.
    bool started() const { return started_; }
    core::Tokens tokens() const { return tokens_; }  // of all choices so far
    core::Tokens found() const { return found_; }
    core::Tokens thought_tokens() const { return std::min<core::Tokens>(thought_tokens_, tokens_); }

private:
    friend class Listener;
    void wake();

    mutable std::mutex mutex_;
    std::vector<ChoiceNews> pending_;
    std::optional<core::Error> error_;
    std::optional<core::Executor> loop_;  // of the listener, while there is one
    bool wake_posted_ = false;
    core::Timer* timer_ = nullptr;  // event loop only
    std::atomic<bool> started_{false};
    std::atomic<bool> abandoned_{false};
    std::atomic<core::Tokens> tokens_{0};
    std::atomic<core::Tokens> found_{0};
    std::atomic<core::Tokens> thought_tokens_{0};
};

// The coroutine's side. Its destructor tells the engine thread to stop before the next token.
// Everything on one event loop, which outlives it.
class Listener {
public:
    Listener(std::shared_ptr<Mailbox> mailbox, const core::Executor& loop);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    // Waits for news or until the time has come, then takes the news (maybe none). Cancellation of the coroutine ends
    // the wait too: ask this_coro::cancellation_state.
    core::awaitable<News> next(core::Timer::time_point until);

private:
    News take();

    std::shared_ptr<Mailbox> mailbox_;
    core::Timer timer_;
};

}  // namespace sluice::local_engine
