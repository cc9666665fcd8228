// The scheduler with a fake model: a token is a function of the tokens before it, so that a sequence that was
// interrupted, moved or computed in other pieces must still say the same.
#include "local_engine/scheduler/scheduler.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <set>

namespace sluice::local_engine {
namespace {

// What the cache would hold: for each page and place in it, the hash of the sequence up to there.
class FakeModel {
public:
    // The next token of each emitter. Fails the test when a token reads a place that holds something else.
    std::vector<std::int32_t> run(const Step& step) {
        std::vector<std::int32_t> out;
        std::size_t next_row = 0;
        for (std::size_t i = 0; i < step.tokens.size(); ++i) {
            const std::uint64_t before = step.positions[i] == 0 ? 0 : cache_[place(step, i, step.positions[i] - 1)];
            const std::uint64_t hash = extend(before, step.tokens[i]);
            cache_[place(step, i, step.positions[i])] = hash;
            if (next_row < step.logit_rows.size() && static_cast<std::size_t>(step.logit_rows[next_row]) == i) {
                out.push_back(token_of(hash));
                ++next_row;
            }
        }
        EXPECT_EQ(next_row, step.logit_rows.size());
        return out;
    }

    static std::vector<std::int32_t> alone(std::vector<std::int32_t> tokens, std::int64_t count) {
        std::uint64_t hash = 0;
        for (const auto token : tokens) hash = extend(hash, token);
        std::vector<std::int32_t> answer;
        for (std::int64_t i = 0; i < count; ++i) {
            answer.push_back(token_of(hash));
            hash = extend(hash, answer.back());
        }
        return answer;
    }

private:
    static std::uint64_t extend(std::uint64_t hash, std::int32_t token) {
        return (hash + static_cast<std::uint64_t>(token) + 1) * 0x9e3779b97f4a7c15U ^ (hash >> 29);
    }
    static std::int32_t token_of(std::uint64_t hash) { return static_cast<std::int32_t>(hash >> 45); }

    static std::pair<std::int32_t, std::int32_t> place(const Step& step, std::size_t i, std::int32_t at) {
        const auto row =
            static_cast<std::size_t>(step.sequences[i]) * static_cast<std::size_t>(step.pages_per_sequence);
        return {step.pages[row + static_cast<std::size_t>(at / kPageTokens)], at % kPageTokens};
    }

    std::map<std::pair<std::int32_t, std::int32_t>, std::uint64_t> cache_;
};

struct Client {
    std::vector<std::int32_t> prompt, answer;
    std::int64_t max_tokens = 0;
    bool over = false;
};

// Runs steps and hands the fake model's tokens to the clients.
class Bench {
public:
    explicit Bench(const SchedulerConfig& config) : config_(config), scheduler(config) {}

    SequenceId add(std::size_t prompt, std::int64_t max_tokens, const std::string& tenant = "") {
        Client client{std::vector<std::int32_t>(prompt), {}, max_tokens};
        for (auto& token : client.prompt) token = static_cast<std::int32_t>(random() % 1000);
        const SequenceId id = ++last_;
        const auto added = scheduler.add(id, {client.prompt, max_tokens, tenant});
        EXPECT_TRUE(added);
        clients[id] = client;
        return id;
    }

    bool step() {
        const Step* step = scheduler.next_step();
        if (step == nullptr) return false;
        EXPECT_LE(std::ssize(step->tokens), Scheduler::largest_step(config_));
        EXPECT_LE(scheduler.running(), static_cast<std::size_t>(config_.max_running));
        const auto tokens = model.run(*step);
        const auto emitters = step->emitters;
        for (std::size_t i = 0; i < emitters.size(); ++i) {
            Client& client = clients.at(emitters[i].id);
            EXPECT_FALSE(client.over);
            EXPECT_EQ(emitters[i].position, std::ssize(client.prompt) + std::ssize(client.answer));
            client.answer.push_back(tokens[i]);
            if (std::ssize(client.answer) < client.max_tokens) {
                scheduler.append(emitters[i].id, tokens[i]);
            } else {
                client.over = true;
                scheduler.remove(emitters[i].id);
            }
        }
        return true;
    }

    void finish() {
        for (int i = 0; i < 100000 && step(); ++i) {
        }
        EXPECT_EQ(scheduler.running() + scheduler.waiting(), 0U);
        EXPECT_EQ(scheduler.pages_available(), scheduler.pages_total());
    }

    SchedulerConfig config_;
    Scheduler scheduler;
    FakeModel model;
    std::map<SequenceId, Client> clients;
    std::mt19937 random{1};
    SequenceId last_ = 0;
};

TEST(Scheduler, RandomRequestsCancelsAndPreemptionsLoseNoPageAndChangeNoText) {
    for (unsigned seed = 0; seed < 60; ++seed) {
        std::mt19937 random(seed);
        const auto below = [&](unsigned limit) { return static_cast<std::int32_t>(random() % limit); };
        Bench bench(
            {.pages = 6 + below(12), .step_tokens = 8 + below(60), .max_running = 1 + below(8), .max_waiting = 1000});
        bench.random.seed(seed);
        for (int round = 0; round < 150; ++round) {
            if (below(3) == 0)
                bench.add(1 + random() % 150, 1 + below(150), std::string(1, static_cast<char>('a' + below(3))));
            if (below(20) == 0 && bench.last_ > 0) {
                const SequenceId id = 1 + random() % bench.last_;
                bench.scheduler.remove(id);  // the client has gone; maybe it was over already
                bench.clients.at(id).over = true;
            }
            bench.step();
        }
        bench.finish();
        for (const auto& [id, client] : bench.clients) {
            const auto expected = FakeModel::alone(client.prompt, std::ssize(client.answer));
            EXPECT_EQ(client.answer, expected) << "seed " << seed << " sequence " << id;
            EXPECT_TRUE(client.over);
        }
    }
}

TEST(Scheduler, AFullPoolMakesTheYoungestStartOverAndEverybodyFinishes) {
    Bench bench({.pages = 8, .step_tokens = 64, .max_running = 4});
    for (int i = 0; i < 4; ++i) bench.add(60, 440);  // each alone needs all 8 pages in the end
    bench.finish();
    for (const auto& [id, client] : bench.clients) EXPECT_EQ(std::ssize(client.answer), 440) << id;
}

TEST(Scheduler, DecodingGoesOnWhileALongPromptIsComputedInPieces) {
    Bench bench({.pages = 64, .step_tokens = 32, .max_running = 4});
    const SequenceId quick = bench.add(4, 50);
    bench.step();
    const SequenceId slow = bench.add(400, 1);
    for (int i = 0; i < 10; ++i) bench.step();
    EXPECT_EQ(std::ssize(bench.clients[quick].answer), 11);  // one per step
    EXPECT_TRUE(bench.clients[slow].answer.empty());
    bench.finish();
    EXPECT_EQ(std::ssize(bench.clients[slow].answer), 1);
}

TEST(Scheduler, AFullQueueSaysWhenToComeBack) {
    Scheduler scheduler({.pages = 16, .max_running = 1, .max_waiting = 2});
    ASSERT_TRUE(scheduler.add(1, {{1}, 1}));
    ASSERT_TRUE(scheduler.add(2, {{1}, 1}));
    const auto refused = scheduler.add(3, {{1}, 1});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, core::Errc::Unavailable);
    EXPECT_TRUE(refused.error().retry_after);
}

TEST(Scheduler, WhatCouldNeverFitIsRefusedAtOnce) {
    Scheduler scheduler({.pages = 2});
    EXPECT_TRUE(scheduler.add(1, {std::vector<std::int32_t>(100), 28}));
    const auto refused = scheduler.add(2, {std::vector<std::int32_t>(100), 29});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, core::Errc::InvalidRequest);
}

TEST(Scheduler, ATenantWithOneRequestDoesNotWaitBehindAnothersTwenty) {
    Bench bench({.pages = 64, .step_tokens = 32, .max_running = 1});
    for (int i = 0; i < 20; ++i) bench.add(10, 10, "busy");
    bench.step();
    bench.step();
    const SequenceId single = bench.add(10, 10, "quiet");
    int steps = 0;
    while (!bench.clients[single].over && bench.step()) ++steps;
    EXPECT_LE(steps, 25);  // the rest of the running one, then this one
    bench.finish();
}

TEST(Scheduler, ATenantThatWasAwayGetsNoCreditForIt) {
    Bench bench({.pages = 64, .step_tokens = 32, .max_running = 1, .max_waiting = 100});
    for (int i = 0; i < 10; ++i) bench.add(10, 20, "steady");
    for (int i = 0; i < 100; ++i) bench.step();
    std::vector<SequenceId> newcomers;
    for (int i = 0; i < 10; ++i) newcomers.push_back(bench.add(10, 20, "newcomer"));
    for (int i = 0; i < 120; ++i) bench.step();
    const auto done = std::ranges::count_if(newcomers, [&](SequenceId id) { return bench.clients[id].over; });
    EXPECT_GE(done, 2);
    EXPECT_LE(done, 4);  // about every other turn
    bench.finish();
}

}  // namespace
}  // namespace sluice::local_engine
