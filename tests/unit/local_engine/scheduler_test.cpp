// The scheduler with a fake model: a token is a function of the tokens before it, so that a sequence that was
// interrupted, moved or computed in other pieces must still say the same.
#include "local_engine/scheduler/scheduler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
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
    std::string tenant = {};
    std::int64_t found = -1;
};

// Runs steps and hands the fake model's tokens to the clients.
class Bench {
public:
    explicit Bench(const SchedulerConfig& config) : config_(config), scheduler(config) {}

    SequenceId add(std::size_t prompt, std::int64_t max_tokens, const std::string& tenant = "", int priority = 0) {
        std::vector<std::int32_t> tokens(prompt);
        for (auto& token : tokens) token = static_cast<std::int32_t>(random() % 1000);
        return add(std::move(tokens), max_tokens, tenant, priority);
    }
    SequenceId add(std::vector<std::int32_t> prompt, std::int64_t max_tokens, const std::string& tenant, int priority = 0,
                   int rank = 0, SequenceId follows = 0) {
        const SequenceId id = ++last_;
        clients[id] = {std::move(prompt), {}, max_tokens};
        clients[id].tenant = tenant;
        const auto added = scheduler.add(id, {clients[id].prompt, max_tokens, tenant, priority, Wants::Answer, rank, follows});
        EXPECT_TRUE(added);
        return id;
    }

    bool step() {
        const Step* step = scheduler.next_step();
        if (step == nullptr) return false;
        EXPECT_LE(std::ssize(step->tokens), Scheduler::largest_step(config_));
        EXPECT_LE(scheduler.running(), static_cast<std::size_t>(config_.max_running));
        EXPECT_LE(std::ssize(step->logit_rows), Scheduler::most_rows(config_));
        const auto tokens = model.run(*step);
        computed += step->tokens.size();
        const auto emitters = step->emitters;
        for (const Emitter& emitter : emitters) {
            Client& client = clients.at(emitter.id);
            EXPECT_FALSE(client.over);
            EXPECT_EQ(emitter.position, std::ssize(client.prompt) + std::ssize(client.answer));
            if (client.found < 0) client.found = scheduler.found(emitter.id);
            // As the engine does it: a row counts while the guess before it was right.
            std::vector<std::int32_t> chosen;
            for (std::size_t row = 0; row < emitter.rows; ++row) {
                chosen.push_back(tokens[emitter.first_row + row]);
                if (row + 1 < emitter.rows && step->tokens[static_cast<std::size_t>(step->logit_rows[emitter.first_row + row + 1])] != chosen.back()) break;
            }
            most_at_once = std::max(most_at_once, chosen.size());
            client.answer.insert(client.answer.end(), chosen.begin(), chosen.end());
            EXPECT_LE(std::ssize(client.answer), client.max_tokens);
            if (std::ssize(client.answer) < client.max_tokens) {
                scheduler.append(emitter.id, chosen);
                guess(emitter.id, client);
            } else {
                client.over = true;
                scheduler.remove(emitter.id);
            }
        }
        return true;
    }

    // Right guesses, wrong ones, and right ones that go wrong.
    void guess(SequenceId id, const Client& client) {
        if (config_.guesses == 0) return;
        std::vector<std::int32_t> all = client.prompt;
        all.insert(all.end(), client.answer.begin(), client.answer.end());
        auto next = FakeModel::alone(all, 5);
        if (random() % 3 == 0) next[random() % next.size()] = 77;
        next.resize(random() % 5);
        scheduler.propose(id, next);
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
    std::size_t computed = 0;
    std::size_t most_at_once = 0;
};

std::shared_ptr<const PrefixKeys> some_keys() {
    return std::make_shared<const PrefixKeys>(core::Secret("a secret of this process"), "model");
}

TEST(Scheduler, RandomRequestsCancelsAndPreemptionsLoseNoPageAndChangeNoText) {
    for (unsigned seed = 0; seed < 60; ++seed) {
        std::mt19937 random(seed);
        const auto below = [&](unsigned limit) { return static_cast<std::int32_t>(random() % limit); };
        Bench bench({.pages = 6 + below(12),
                     .step_tokens = 8 + below(60),
                     .max_running = 1 + below(8),
                     .max_waiting = 1000,
                     .guesses = seed % 2 == 0 ? 0 : 1 + below(12),
                     .prefix_keys = seed % 3 == 0 ? nullptr : some_keys()});
        std::vector<std::int32_t> common(60 + random() % 60);
        for (auto& token : common) token = below(1000);
        bench.random.seed(seed);
        for (int round = 0; round < 150; ++round) {
            if (below(3) == 0)
            {
                const std::string tenant(1, static_cast<char>('a' + below(3)));
                std::vector<std::int32_t> prompt(common.begin(), common.begin() + below(static_cast<unsigned>(common.size())));
                for (auto i = 1 + random() % 80; i > 0; --i) prompt.push_back(below(1000));
                const SequenceId first = bench.add(prompt, 1 + below(150), tenant, below(3), below(3));
                for (auto more = below(4) == 0 ? below(4) : 0; more > 0; --more) {
                    bench.add(prompt, 1 + below(150), tenant, below(3), below(3), first);
                }
            }
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

// Such a sequence would have nothing to compute, and so would never end.
TEST(Scheduler, APromptWithoutTokensIsRefused) {
    Scheduler scheduler({.pages = 4});
    for (const Wants wants : {Wants::Answer, Wants::Hidden}) {
        const auto added = scheduler.add(1, {.prompt = {}, .max_tokens = 5, .wants = wants});
        ASSERT_FALSE(added);
        EXPECT_EQ(added.error().code, core::Errc::InvalidRequest);
        EXPECT_EQ(added.error().field, wants == Wants::Answer ? "messages" : "input");
    }
    EXPECT_EQ(scheduler.waiting(), 0U);
}

TEST(Scheduler, AFullPoolMakesTheYoungestStartOverAndEverybodyFinishes) {
    Bench bench({.pages = 8, .step_tokens = 64, .max_running = 4});
    for (int i = 0; i < 4; ++i) bench.add(60, 440);  // each alone needs all 8 pages in the end
    bench.finish();
    for (const auto& [id, client] : bench.clients) EXPECT_EQ(std::ssize(client.answer), 440) << id;
}

TEST(Scheduler, TheSameBeginningIsFoundByTheSameTenantOnly) {
    Bench bench({.pages = 64, .step_tokens = 64, .max_running = 4, .prefix_keys = some_keys()});
    std::vector<std::int32_t> prompt(300);
    for (auto& token : prompt) token = static_cast<std::int32_t>(bench.random() % 1000);
    const SequenceId first = bench.add(prompt, 5, "a");
    bench.finish();
    const SequenceId other = bench.add(prompt, 5, "b");
    bench.finish();
    const SequenceId again = bench.add(prompt, 5, "a");
    bench.finish();
    std::vector<std::int32_t> changed = prompt;
    changed[100] += 1;  // in the second page: only the first is the same
    const SequenceId partly = bench.add(changed, 5, "a");
    bench.finish();
    EXPECT_EQ(bench.clients[first].found, 0);
    EXPECT_EQ(bench.clients[other].found, 0);
    EXPECT_EQ(bench.clients[again].found, 256);
    EXPECT_EQ(bench.clients[partly].found, 64);
    for (const auto& [id, client] : bench.clients) EXPECT_EQ(client.answer, FakeModel::alone(client.prompt, 5)) << id;
    EXPECT_GT(bench.scheduler.pages_kept(), 0);
}

TEST(Scheduler, APromptOfWholePagesComputesAtLeastOneToken) {
    Bench bench({.pages = 64, .step_tokens = 64, .max_running = 4, .prefix_keys = some_keys()});
    std::vector<std::int32_t> prompt(128, 7);
    bench.add(prompt, 3, "a");
    bench.finish();
    const SequenceId again = bench.add(prompt, 3, "a");
    bench.finish();
    EXPECT_EQ(bench.clients[again].found, 64);
}

TEST(Scheduler, SequencesThatRunTogetherShareTheirBeginning) {
    Bench bench({.pages = 12, .step_tokens = 64, .max_running = 8, .prefix_keys = some_keys()});
    std::vector<std::int32_t> prompt(300, 3);
    bench.add(prompt, 200, "a");
    for (int i = 0; i < 8; ++i) bench.step();
    const SequenceId second = bench.add(prompt, 200, "a");
    for (int i = 0; i < 3; ++i) bench.step();
    EXPECT_EQ(bench.scheduler.running(), 2U);  // eleven pages between them would not do without sharing
    EXPECT_EQ(bench.clients[second].found, 256);
    bench.finish();
    for (const auto& [id, client] : bench.clients) EXPECT_EQ(client.answer, FakeModel::alone(client.prompt, 200)) << id;
}

TEST(Scheduler, WhatAFailedStepComputedIsNeverFound) {
    Bench bench({.pages = 64, .step_tokens = 512, .max_running = 4, .prefix_keys = some_keys()});
    const std::vector<std::int32_t> prompt(300, 9);
    ASSERT_TRUE(bench.scheduler.add(1000, {prompt, 5, "a"}));
    ASSERT_NE(bench.scheduler.next_step(), nullptr);
    bench.scheduler.discard(1000);  // it threw
    const SequenceId next = bench.add(prompt, 5, "a");
    bench.finish();
    EXPECT_EQ(bench.clients[next].found, 0);
    EXPECT_EQ(bench.clients[next].answer, FakeModel::alone(prompt, 5));
}

TEST(Scheduler, KeptPagesGiveWayToWhoeverNeedsRoom) {
    Bench bench({.pages = 8, .step_tokens = 128, .max_running = 2, .prefix_keys = some_keys()});
    for (int i = 0; i < 20; ++i) {
        bench.add(300, 100, "a");
        bench.finish();
    }
    EXPECT_EQ(bench.scheduler.pages_available(), 8);
}

TEST(Scheduler, RightGuessesAreTakenAndWrongOnesChangeNothing) {
    Bench bench({.pages = 32, .step_tokens = 32, .max_running = 4, .guesses = 8});
    for (int i = 0; i < 6; ++i) bench.add(20, 120);
    bench.finish();
    EXPECT_GT(bench.most_at_once, 3U);
    for (const auto& [id, client] : bench.clients) {
        EXPECT_EQ(client.answer, FakeModel::alone(client.prompt, 120)) << id;
    }
}

TEST(Scheduler, AHigherClassGoesFirstButTheLowestIsNotForgotten) {
    Bench bench({.pages = 64, .step_tokens = 32, .max_running = 1, .max_waiting = 1000});
    bench.add(10, 10, "a", 0);
    bench.step();
    const SequenceId low = bench.add(10, 10, "low", 0);
    const SequenceId high = bench.add(10, 10, "high", 1);
    while (!bench.clients[high].over && bench.step()) {
    }
    EXPECT_TRUE(bench.clients[low].answer.empty());
    int steps = 0;
    while (!bench.clients[low].over && steps < 2000) {  // a stream of higher ones that never ends
        if (bench.scheduler.waiting() < 3) bench.add(10, 10, "high", 1);
        bench.step();
        ++steps;
    }
    EXPECT_TRUE(bench.clients[low].over);
    EXPECT_GT(steps, 100);
}

TEST(Scheduler, TheLowestClassGivesWayWhenPagesRunOut) {
    Bench bench({.pages = 8, .step_tokens = 64, .max_running = 4});
    const SequenceId low = bench.add(60, 380, "a", 0);
    bench.step();
    const SequenceId high = bench.add(60, 380, "a", 1);
    while (!bench.clients[high].over && bench.step()) {
    }
    EXPECT_TRUE(bench.clients[high].over);
    EXPECT_FALSE(bench.clients[low].over);
    bench.finish();
    EXPECT_EQ(bench.clients[low].answer, FakeModel::alone(bench.clients[low].prompt, 380));
}

TEST(Scheduler, ARankOrdersATenantsOwnRequestsOnly) {
    Bench bench({.pages = 64, .step_tokens = 32, .max_running = 1, .max_waiting = 1000});
    const std::vector<std::int32_t> prompt(10, 4);
    bench.add(prompt, 10, "a");
    bench.step();
    const SequenceId plain = bench.add(prompt, 10, "a");
    const SequenceId urgent = bench.add(prompt, 10, "a", 0, 10);
    std::vector<SequenceId> others;
    for (int i = 0; i < 3; ++i) others.push_back(bench.add(prompt, 10, "b"));
    while (!bench.clients[urgent].over && bench.step()) {
    }
    EXPECT_TRUE(bench.clients[plain].answer.empty());
    // The other tenant has been served as much by then, though nothing of it is urgent.
    EXPECT_TRUE(bench.clients[others[0]].over);
    bench.finish();
}

TEST(Scheduler, ManyUrgentRequestsOfOneTenantDoNotHoldUpAnother) {
    Bench bench({.pages = 64, .step_tokens = 32, .max_running = 1, .max_waiting = 1000});
    const std::vector<std::int32_t> prompt(10, 4);
    for (int i = 0; i < 50; ++i) bench.add(prompt, 10, "greedy", 0, 10);
    const SequenceId modest = bench.add(prompt, 10, "modest");
    int finished = 0;
    while (!bench.clients[modest].over && bench.step()) {
    }
    for (const auto& [id, client] : bench.clients) finished += client.over ? 1 : 0;
    EXPECT_LE(finished, 3);
}

TEST(Scheduler, OfOneTenantTheLowestRankGivesWay) {
    Bench bench({.pages = 8, .step_tokens = 64, .max_running = 4});
    const std::vector<std::int32_t> prompt(60, 5);
    const SequenceId low = bench.add(prompt, 380, "a", 0, -1);
    bench.step();
    const SequenceId high = bench.add(prompt, 380, "a", 0, 1);
    while (!bench.clients[high].over && bench.step()) {
    }
    EXPECT_TRUE(bench.clients[high].over);
    EXPECT_FALSE(bench.clients[low].over);
    bench.finish();
}

TEST(Scheduler, SequencesOfOnePromptComputeItOnceAlsoWithoutAPrefixCache) {
    for (const bool cache : {false, true}) {
        Bench bench({.pages = 64, .step_tokens = 64, .max_running = 8, .prefix_keys = cache ? some_keys() : nullptr});
        std::vector<std::int32_t> prompt(300);
        for (auto& token : prompt) token = static_cast<std::int32_t>(bench.random() % 1000);
        const SequenceId first = bench.add(prompt, 20, "a");
        for (int i = 0; i < 3; ++i) bench.add(prompt, 20, "a", 0, 0, first);
        bench.finish();
        EXPECT_EQ(bench.computed, 300U + 3 * (300 - 256) + 4 * 19);
        for (const auto& [id, client] : bench.clients) EXPECT_EQ(client.answer, FakeModel::alone(prompt, 20)) << id;
    }
}

TEST(Scheduler, WhoeverFollowsOneThatHasGoneStartsByItself) {
    Bench bench({.pages = 64, .step_tokens = 64, .max_running = 8});
    const std::vector<std::int32_t> prompt(300, 6);
    const SequenceId first = bench.add(prompt, 20, "a");
    const SequenceId second = bench.add(prompt, 20, "a", 0, 0, first);
    bench.step();
    bench.scheduler.remove(first);
    bench.clients[first].over = true;
    bench.finish();
    EXPECT_EQ(bench.clients[second].answer, FakeModel::alone(prompt, 20));
}

TEST(Scheduler, AShortPromptPassesALongOneOfTheSameTenantButNotForEver) {
    Bench bench({.pages = 256, .step_tokens = 32, .max_running = 8, .max_waiting = 1000});
    const SequenceId slow = bench.add(4000, 1, "a");
    bench.step();
    const SequenceId quick = bench.add(20, 1, "a");
    bench.step();
    bench.step();
    EXPECT_TRUE(bench.clients[quick].over);
    for (int i = 0; i < 400 && !bench.clients[slow].over; ++i) {
        while (bench.scheduler.waiting() < 4) bench.add(30, 1, "a");
        bench.step();
    }
    EXPECT_TRUE(bench.clients[slow].over);
}

TEST(Scheduler, HiddenStatesOfAPromptNeedNoLogits) {
    Scheduler scheduler({.pages = 8, .step_tokens = 64, .max_running = 4});
    ASSERT_TRUE(scheduler.add(1, {.prompt = std::vector<std::int32_t>(100, 1), .wants = Wants::Hidden}));
    ASSERT_TRUE(scheduler.add(2, {{1, 2, 3}, 1}));
    std::size_t seen = 0;
    for (int i = 0; i < 10 && seen == 0; ++i) {
        const Step* step = scheduler.next_step();
        ASSERT_NE(step, nullptr);
        for (const Emitter& emitter : step->emitters) {
            EXPECT_EQ(emitter.id, 2U);
            scheduler.remove(2);
        }
        seen = step->finished.size();
        if (seen > 0) {
            EXPECT_EQ(step->finished[0], 1U);
            EXPECT_TRUE(step->wants_hidden);
        }
    }
    EXPECT_EQ(seen, 1U);
    scheduler.remove(1);
    EXPECT_EQ(scheduler.pages_available(), 8);
    EXPECT_EQ(scheduler.next_step(), nullptr);
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
