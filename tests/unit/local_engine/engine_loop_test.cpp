// The engine thread with a device that can be made to fail and to hang.
#include "local_engine/serving/engine_loop.hpp"

#include "local_engine/speculation/prompt_lookup.hpp"
#include "local_engine/speculation/speculation_control.hpp"
#include "tests/support/small_vocabulary.hpp"

#include <boost/asio.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <condition_variable>
#include <stdexcept>

namespace sluice::local_engine {
namespace {

constexpr std::int32_t kPoison = 'p';  // a prompt token the device cannot compute
constexpr std::int32_t kFatal = 'q';   // one that it does not survive

// Answers every token with its successor, modulo 128; hidden states are (token, 1).
class FakeDevice final : public StepDevice {
public:
    std::int64_t vocabulary() const override { return 256; }
    std::int64_t width() const override { return 2; }
    void run(const Batch& batch, std::span<float> logits, std::span<float> hidden) override {
        {
            std::unique_lock lock(mutex_);
            ++runs_;
            changed_.notify_all();
            changed_.wait(lock, [this] { return !hold_; });
        }
        for (const std::int32_t token : batch.tokens) {
            gone_ = gone_ || token == kFatal;
            if (token == kPoison || gone_) throw std::runtime_error("no");
        }
        std::ranges::fill(logits, 0.0F);
        for (std::size_t row = 0; row < batch.logit_rows.size(); ++row) {
            const std::int32_t token = batch.tokens[static_cast<std::size_t>(batch.logit_rows[row])];
            logits[row * 256 + static_cast<std::size_t>((token + 1) % 128)] = 50.0F;
        }
        for (std::size_t i = 0; i * 2 < hidden.size(); ++i) {
            hidden[2 * i] = static_cast<float>(batch.tokens[i]);
            hidden[2 * i + 1] = 1.0F;
        }
    }
    std::string failure() const override { return gone_ ? "it is gone" : ""; }
    core::Result<void> restart() override {
        if (starts_that_fail_ > 0) {
            --starts_that_fail_;
            return core::Error{core::Errc::Unavailable, "it does not come"};
        }
        gone_ = false;
        return {};
    }
    void fail_starts(int count) { starts_that_fail_ = count; }
    void hold(bool yes) {
        const std::lock_guard lock(mutex_);
        hold_ = yes;
        changed_.notify_all();
    }
    void wait_until_computing() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return runs_ > 0; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int runs_ = 0;
    bool hold_ = false;
    std::atomic<bool> gone_{false};
    std::atomic<int> starts_that_fail_{0};
};

Tokenizer byte_tokenizer() {
    const std::string bytes = test::SmallVocabulary::byte_level().writer("gpt2", "qwen2").build();
    const auto file = gguf::Reader::from_bytes(test::as_bytes(bytes));
    return *Tokenizer::from(**file);
}

class EngineLoopTest : public ::testing::Test {
protected:
    Job job(std::vector<std::int32_t> prompt, std::int64_t max_tokens) {
        Job made{.sequence = {std::move(prompt), max_tokens, "t"}, .mailbox = std::make_shared<Mailbox>(1)};
        made.sampling.temperature = 0.0F;
        return made;
    }
    void submit(const Job& made) { ASSERT_TRUE(loop_.submit({made})); }
    // All news of a mailbox until its end.
    News finish(const std::shared_ptr<Mailbox>& mailbox) {
        News all{std::vector<ChoiceNews>(1)};
        core::net::io_context context;
        const auto listen = [&]() -> core::awaitable<void> {
            Listener listener(mailbox, co_await core::net::this_coro::executor);
            const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
            while (all.choices[0].finish_reason.empty() && !all.error) {
                News news = co_await listener.next(until);
                if (news.empty() && std::chrono::steady_clock::now() >= until) break;  // else woken for what was taken already
                all.choices[0].text += news.choices[0].text;
                all.choices[0].finish_reason = news.choices[0].finish_reason;
                if (!news.choices[0].vector.empty()) all.choices[0].vector = news.choices[0].vector;
                all.error = news.error;
            }
        };
        core::net::co_spawn(context, listen(), core::net::detached);
        context.run();
        return all;
    }

    FakeDevice device_;
    Tokenizer tokenizer_ = byte_tokenizer();
    EngineLoop loop_{device_, tokenizer_, nullptr,
                     {{.pages = 64, .step_tokens = 64, .max_running = 8, .max_waiting = 64, .guesses = 8},
                      std::chrono::seconds(120),
                      std::chrono::milliseconds(1),
                      std::chrono::milliseconds(20)}};
};

TEST_F(EngineLoopTest, AFailedStepEndsItsOwnRequestsOnly) {
    const Job good = job({'a'}, 5);
    const Job bad = job({'x', kPoison}, 5);
    submit(bad);
    const News failed = finish(bad.mailbox);
    ASSERT_TRUE(failed.error);
    EXPECT_EQ(failed.error->code, core::Errc::Internal);
    submit(good);
    EXPECT_EQ(finish(good.mailbox).choices[0].text, "bcdef");
    for (int i = 0; i < 1'000'000 && loop_.status().pages_used > 0; ++i) std::this_thread::yield();  // told before counted
    EXPECT_EQ(loop_.status().pages_used, 0U);
}

TEST_F(EngineLoopTest, ADeviceThatIsGoneEndsAllRequestsAndIsStartedUntilItComes) {
    for (const int failing_starts : {0, 3}) {
        device_.fail_starts(failing_starts);
        const std::uint64_t restarts = loop_.status().restarts;
        device_.hold(true);
        const Job first = job({'a'}, 10);
        const Job fatal = job({'x', kFatal}, 5);
        submit(first);
        submit(fatal);
        device_.hold(false);
        for (const Job* one : {&first, &fatal}) {
            const News news = finish(one->mailbox);
            if (one == &first && !news.error) continue;  // it was through already
            ASSERT_TRUE(news.error);
            EXPECT_EQ(news.error->code, core::Errc::Unavailable);
            EXPECT_TRUE(news.error->retry_after);
            EXPECT_NE(news.error->detail.find("it is gone"), std::string::npos) << news.error->detail;
        }
        for (int i = 0; i < 30'000 && loop_.status().restarts == restarts; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        EXPECT_EQ(loop_.status().restarts, restarts + 1);
        EXPECT_EQ(loop_.status().down, "");
        const Job next = job({'a'}, 3);
        submit(next);
        EXPECT_EQ(finish(next.mailbox).choices[0].text, "bcd");
    }
}

TEST_F(EngineLoopTest, AStepThatHangsIsNoticedAndItsRequestsAreTold) {
    device_.hold(true);
    const Job stuck = job({'a'}, 5);
    submit(stuck);
    device_.wait_until_computing();
    loop_.watch(StepWatch::Clock::now());
    EXPECT_FALSE(loop_.status().hung);
    loop_.watch(StepWatch::Clock::now() + std::chrono::seconds(121));
    EXPECT_TRUE(loop_.status().hung);
    const News told = finish(stuck.mailbox);
    ASSERT_TRUE(told.error);
    EXPECT_EQ(told.error->code, core::Errc::Unavailable);
    const Job refused = job({'a'}, 5);
    const auto submitted = loop_.submit({refused});
    ASSERT_FALSE(submitted);
    EXPECT_EQ(submitted.error().code, core::Errc::Unavailable);
    device_.hold(false);
    loop_.watch(StepWatch::Clock::now());
    // Whether the step has ended by now or not: it ends, and then the engine serves again.
    for (int i = 0; i < 10000 && loop_.status().hung; ++i) {
        std::this_thread::yield();
        loop_.watch(StepWatch::Clock::now());
    }
    const Job next = job({'a'}, 3);
    submit(next);
    EXPECT_EQ(finish(next.mailbox).choices[0].text, "bcd");
}

TEST_F(EngineLoopTest, TextsAreEmbeddedInPiecesAsOneVectorOfLengthOne) {
    std::vector<std::int32_t> tokens;
    for (int i = 0; i < 150; ++i) tokens.push_back(i % 100);
    for (const Pooling pooling : {Pooling::LastToken, Pooling::Mean}) {
        Job embed = job(tokens, 1);
        embed.sequence.wants = Wants::Hidden;
        embed.pooling = pooling;
        submit(embed);
        const Job chat = job({'a'}, 3);
        submit(chat);
        const auto vector = finish(embed.mailbox).choices[0].vector;
        ASSERT_EQ(vector.size(), 2U);
        double x = 49.0;  // the last token
        if (pooling == Pooling::Mean) x = (4950.0 + 49.0 * 25.0) / 150.0;
        const double length = std::sqrt(x * x + 1.0);
        EXPECT_NEAR(vector[0], x / length, 1e-6);
        EXPECT_NEAR(vector[1], 1.0 / length, 1e-6);
        EXPECT_EQ(finish(chat.mailbox).choices[0].text, "bcd");
    }
}

TEST_F(EngineLoopTest, GuessesFromTheRequestsOwnTextAreTaken) {
    std::vector<std::int32_t> prompt;
    for (int round = 0; round < 3; ++round) {
        for (int token = 'a'; token < 'o'; ++token) prompt.push_back(token);
    }
    const Job guessing = job(prompt, 2);
    const Job longer = job(std::vector<std::int32_t>(prompt.begin(), prompt.begin() + 17), 9);
    submit(guessing);
    EXPECT_EQ(finish(guessing.mailbox).choices[0].text, "op");
    submit(longer);  // ends in "abc" for the second time
    EXPECT_EQ(finish(longer.mailbox).choices[0].text, "defghijkl");
    EXPECT_GT(loop_.status().right_guesses, 2U);
}

TEST(PromptLookups, FindWhatStoodBehindTheLastThreeTokens) {
    const std::vector<std::int32_t> prompt{1, 2, 3, 4, 5, 9, 1, 2, 3};
    PromptLookup lookup(prompt);
    EXPECT_EQ(lookup.guess(2), (std::vector<std::int32_t>{4, 5}));
    EXPECT_EQ(lookup.guess(0), std::vector<std::int32_t>{});
    lookup.note(7);
    EXPECT_TRUE(lookup.guess(4).empty());
    lookup.note(1);
    lookup.note(2);
    lookup.note(3);
    EXPECT_EQ(lookup.guess(1), std::vector<std::int32_t>{7});  // the latest occurrence
    EXPECT_TRUE(PromptLookup(std::vector<std::int32_t>{1, 2}).guess(3).empty());
}

TEST(SpeculationControls, GuessingStopsWhereItLosesAndComesBackToTry) {
    SpeculationControl wins;
    wins.note_step(1, 1.0);
    for (std::size_t n = 2; n <= 5; ++n) wins.note_step(n, 1.1);
    EXPECT_EQ(wins.worth_guessing(1), SpeculationControl::kMostGuesses);
    EXPECT_EQ(wins.worth_guessing(9), 0U);
    for (int i = 0; i < 100; ++i) wins.note_guesses(4, 0);
    EXPECT_EQ(wins.worth_guessing(1), 0U);
    int tries = 0;
    for (int i = 0; i < 640; ++i) tries += wins.worth_guessing(1) > 0 ? 1 : 0;
    EXPECT_GT(tries, 5);
    EXPECT_LT(tries, 15);
    SpeculationControl dear;  // every token more costs as much as a step
    for (std::size_t n = 1; n <= 5; ++n) dear.note_step(n, static_cast<double>(n));
    EXPECT_EQ(dear.worth_guessing(1), 0U);
}

}  // namespace
}  // namespace sluice::local_engine
