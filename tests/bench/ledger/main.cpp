// How many hold + settle pairs a ledger takes from one event loop, and what they cost that loop.
//   bench_ledger [DIRECTORY] [SECONDS]   the directory should be on the disk that production would use
#include "policies/ledger/durable_ledger.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

namespace {

using namespace sluice;
using Clock = std::chrono::steady_clock;

double cpu_seconds(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Load {
    policies::Ledger& ledger;
    policies::CallerPtr caller;
    std::string decision;
    Clock::time_point until;
    std::int64_t pairs = 0;
    std::int64_t failed = 0;
    std::vector<float> milliseconds = {};  // of one pair
};

// Posting between pairs lets the other coroutines run, as sockets would.
core::awaitable<void> work(Load& load, int number) {
    const auto executor = co_await core::net::this_coro::executor;
    for (std::int64_t i = 0; Clock::now() < load.until; ++i) {
        const auto before = Clock::now();
        policies::HoldRequest request{.id = "dec_" + std::to_string(number) + "_" + std::to_string(i) + "_0123456789",
                                      .caller = load.caller,
                                      .amount = {1'000'000},
                                      .target = "deepseek/deepseek-chat",
                                      .zone = core::Zone::Cloud};
        auto hold = co_await load.ledger.hold(std::move(request));
        if (hold) {
            policies::Settlement settlement{.charge = {4242},
                                            .usage = {.prompt = 120, .completion = 40},
                                            .target = "deepseek/deepseek-chat",
                                            .zone = core::Zone::Cloud,
                                            .decision_json = load.decision};
            const auto settled = co_await load.ledger.settle(std::move(*hold), std::move(settlement));
            ++(settled ? load.pairs : load.failed);
        } else {
            ++load.failed;
        }
        load.milliseconds.push_back(std::chrono::duration<float, std::milli>(Clock::now() - before).count());
        co_await core::net::post(executor, core::use_awaitable);
    }
}

void measure(const std::filesystem::path& directory, policies::LedgerDurability durability, int coroutines,
             double seconds) {
    const auto data = directory / "bench-ledger";
    std::filesystem::remove_all(data);
    policies::DurableLedgerConfig config;
    config.directory = data;
    config.durability = durability;
    auto ledger = policies::DurableLedger::open(std::move(config));
    if (!ledger) {
        std::fprintf(stderr, "%s\n", describe(ledger.error()).c_str());
        std::exit(1);
    }
    core::Caller caller;
    caller.team_caps.daily = core::NanoUsd{INT64_MAX / 2};
    Load load{
        .ledger = **ledger,
        .caller = std::make_shared<const core::Caller>(caller),
        .decision = "{\"outcome\":\"served\",\"padding\":\"" + std::string(1000, 'x') + "\"}",
        .until = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds))};
    core::net::io_context loop{1};
    for (int i = 0; i < coroutines; ++i) core::net::co_spawn(loop, work(load, i), core::net::detached);
    const double loop_before = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
    const double all_before = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    const auto started = Clock::now();
    loop.run();
    const double elapsed = std::chrono::duration<double>(Clock::now() - started).count();
    const double loop_cpu = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - loop_before;
    const auto stats = (*ledger)->stats();
    const auto stopping = Clock::now();
    const auto stopped = (*ledger)->shutdown();
    const double drain = std::chrono::duration<double>(Clock::now() - stopping).count();
    const double other_cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - all_before - loop_cpu;
    const auto pairs = static_cast<double>(load.pairs);
    std::ranges::sort(load.milliseconds);
    const auto at = [&](double part) {
        return load.milliseconds[static_cast<std::size_t>(part * static_cast<double>(load.milliseconds.size() - 1))];
    };
    std::printf(
        "%-8s %3d coroutines: %8.0f pairs/s  p50 %6.3f ms  p99 %6.3f ms  loop %5.2f us/pair  others %5.2f us/pair"
        "  %7.0f syncs/s  lag %llu records, drained in %.2f s  failed %lld%s\n",
        durability == policies::LedgerDurability::Strict ? "strict" : "relaxed", coroutines, pairs / elapsed,
        static_cast<double>(at(0.5)), static_cast<double>(at(0.99)), loop_cpu / pairs * 1e6, other_cpu / pairs * 1e6,
        static_cast<double>(stats.flushes) / elapsed, static_cast<unsigned long long>(stats.appended - stats.applied),
        drain, static_cast<long long>(load.failed), stopped ? "" : "  SHUTDOWN FAILED");
    ledger->reset();
    std::filesystem::remove_all(data);
}

}  // namespace

int main(int argc, char** argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);  // lines appear as they are measured, also in a pipe
    const std::filesystem::path directory = argc > 1 ? argv[1] : std::filesystem::current_path();
    const double seconds = argc > 2 ? std::strtod(argv[2], nullptr) : 3;
    for (const auto durability : {policies::LedgerDurability::Strict, policies::LedgerDurability::Relaxed})
        for (const int coroutines : {1, 32, 64}) measure(directory, durability, coroutines, seconds);
}
