// What the tests of money share: a folder that goes away, a caller, and running one coroutine to its end.
#pragma once

#include "policies/ledger/durable_ledger.hpp"
#include "policies/usage_report.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::policies::test {

class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "sluice-test-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

inline core::NanoUsd nano(std::int64_t value) {
    return core::NanoUsd{value};
}

inline CallerPtr make_caller(std::int64_t team, std::int64_t key, core::Caps team_caps = {}, core::Caps key_caps = {}) {
    return std::make_shared<const core::Caller>(core::Caller{.team = {team},
                                                             .team_name = "team" + std::to_string(team),
                                                             .key = {key},
                                                             .key_name = "key" + std::to_string(key),
                                                             .team_caps = team_caps,
                                                             .key_caps = key_caps});
}

template <class T>
core::awaitable<void> keep_result(core::awaitable<T> work, std::optional<T>& result) {
    result.emplace(co_await std::move(work));
}

// Loops that live to the end of the program, as the event loops of a gateway outlive its ledger: the journal's thread may still
// be inside the call that woke a loop when what it woke has returned.
class Loops {
public:
    static std::unique_ptr<core::net::io_context> take() {
        const std::lock_guard lock{all().mutex_};
        if (all().idle_.empty()) return std::make_unique<core::net::io_context>(1);
        auto loop = std::move(all().idle_.back());
        all().idle_.pop_back();
        return loop;
    }
    static void give_back(std::unique_ptr<core::net::io_context> loop) {
        loop->restart();
        const std::lock_guard lock{all().mutex_};
        all().idle_.push_back(std::move(loop));
    }

private:
    static Loops& all() {
        static Loops loops;
        return loops;
    }
    std::mutex mutex_;
    std::vector<std::unique_ptr<core::net::io_context>> idle_;
};

// Runs a coroutine on an event loop of its own and hands back what it returned.
template <class T>
T run(core::awaitable<T> work) {
    auto loop = Loops::take();
    std::optional<T> result;
    std::exception_ptr failure;
    auto done = [&](std::exception_ptr thrown) { failure = thrown; };
    core::net::co_spawn(*loop, keep_result(std::move(work), result), done);
    loop->run();
    Loops::give_back(std::move(loop));
    if (failure) std::rethrow_exception(failure);
    return std::move(*result);
}

// 2026-11-24T12:00:00Z
inline constexpr std::int64_t kNoon = 1'795'521'600'000'000'000;
inline constexpr std::int64_t kOneDay = 86'400'000'000'000;

class ManualClock {
public:
    WallClock clock() const {
        return [now = now_] { return now->load(); };
    }
    void set(std::int64_t unix_nanoseconds) { now_->store(unix_nanoseconds); }
    void advance(std::int64_t nanoseconds) { now_->fetch_add(nanoseconds); }

private:
    std::shared_ptr<std::atomic<std::int64_t>> now_ = std::make_shared<std::atomic<std::int64_t>>(kNoon);
};

inline DurableLedgerConfig config_in(const std::filesystem::path& directory,
                                     LedgerDurability durability = LedgerDurability::Strict) {
    DurableLedgerConfig config;
    config.directory = directory;
    config.durability = durability;
    config.segment_bytes = std::size_t{64} << 10U;
    config.apply_interval = std::chrono::milliseconds{5};
    return config;
}

inline std::unique_ptr<DurableLedger> open_ledger(DurableLedgerConfig config) {
    auto ledger = DurableLedger::open(std::move(config));
    if (!ledger) throw std::runtime_error(describe(ledger.error()));
    return std::move(*ledger);
}

inline HoldRequest request(std::string id, CallerPtr caller, std::int64_t amount) {
    return HoldRequest{.id = std::move(id),
                       .caller = std::move(caller),
                       .user = "someone",
                       .amount = nano(amount),
                       .target = "deepseek/deepseek-chat",
                       .zone = core::Zone::Cloud};
}

inline Settlement settlement(std::int64_t charge, const std::string& id = "x") {
    return Settlement{.charge = nano(charge),
                      .usage = {.prompt = 10, .completion = 5},
                      .target = "deepseek/deepseek-chat",
                      .zone = core::Zone::Cloud,
                      .decision_json = R"({"id":")" + id + R"("})",
                      .estimated = false};
}

// The books after everything is applied; fails the test when they do not verify.
inline VerifyReport verified(const std::filesystem::path& directory) {
    auto reader = LedgerReader::open(directory);
    if (!reader) {
        ADD_FAILURE() << describe(reader.error());
        return {};
    }
    auto report = reader->verify();
    if (!report) {
        ADD_FAILURE() << describe(report.error());
        return {};
    }
    return *report;
}

}  // namespace sluice::policies::test
