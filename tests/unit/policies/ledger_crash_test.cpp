// kill -9 at any moment, then restart: what was acknowledged is there exactly once, and the sums are equal.
#include "policies/sqlite.hpp"
#include "tests/unit/policies/ledger_support.hpp"

#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <random>

namespace sluice::policies::test {
namespace {

constexpr int kWorkers = 16;

// What the child reports through a pipe, after the ledger has acknowledged it. Small enough to be written in one piece.
struct Report {
    char kind = 0;  // 'H' held, 'S' settled, 'D' decision recorded
    std::int32_t worker = 0;
    std::int32_t number = 0;
    std::int64_t amount = 0;
};

std::string id_of(const Report& report, int round) {
    return std::to_string(round) + "-" + std::to_string(report.worker) + "-" + std::to_string(report.number);
}

void tell(int pipe, const Report& report) {
    if (::write(pipe, &report, sizeof report) != sizeof report) ::_exit(3);
}

core::awaitable<void> spend_until_killed(Ledger& ledger, CallerPtr caller, int round, std::int32_t worker, int pipe) {
    std::minstd_rand random{static_cast<std::uint32_t>(round * 1000 + worker + 1)};
    for (std::int32_t number = 0;; ++number) {
        Report report{
            .kind = 'H', .worker = worker, .number = number, .amount = 1 + static_cast<std::int64_t>(random() % 500)};
        const std::string id = id_of(report, round);
        if (random() % 8 == 0) {
            const auto recorded = co_await ledger.record(id, caller, "{}");
            if (!recorded) ::_exit(4);
            report.kind = 'D';
            tell(pipe, report);
            continue;
        }
        auto hold = co_await ledger.hold(request(id, caller, report.amount));
        if (!hold) ::_exit(4);
        tell(pipe, report);
        report.kind = 'S';
        report.amount = static_cast<std::int64_t>(random() % static_cast<std::uint32_t>(report.amount + 1));
        const auto settled = co_await ledger.settle(std::move(*hold), settlement(report.amount, id));
        if (!settled) ::_exit(4);
        tell(pipe, report);
    }
}

[[noreturn]] void run_child(const std::filesystem::path& directory, int round, int pipe) {
    auto config = config_in(directory);
    config.segment_bytes = 16384;  // many rotations
    config.apply_interval = std::chrono::milliseconds{1};
    auto ledger = DurableLedger::open(std::move(config));
    if (!ledger) ::_exit(5);
    core::net::io_context loop{1};
    for (std::int32_t worker = 0; worker < kWorkers; ++worker)
        core::net::co_spawn(loop,
                            spend_until_killed(**ledger, make_caller(1 + worker % 3, worker), round, worker, pipe),
                            core::net::detached);
    loop.run();
    ::_exit(6);
}

// Lets a child work until it has acknowledged `enough` operations, kills it, and returns all it acknowledged.
std::vector<Report> run_and_kill(const std::filesystem::path& directory, int round, int enough) {
    int ends[2] = {};
    if (::pipe(ends) != 0) throw std::runtime_error("pipe");
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        run_child(directory, round, ends[1]);
    }
    ::close(ends[1]);
    std::vector<Report> reports;
    Report report;
    while (::read(ends[0], &report, sizeof report) == sizeof report) {
        reports.push_back(report);
        if (static_cast<int>(reports.size()) == enough) ::kill(child, SIGKILL);
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself with " << WEXITSTATUS(status);
    return reports;
}

struct Entry {
    std::int64_t charge = 0;
    std::int64_t hold = 0;
    std::string settled_by;
};

std::map<std::string, Entry> read_entries(const std::filesystem::path& directory) {
    const auto database = Database::open(directory / "ledger.db", Database::Access::ReadOnly);
    auto rows = database->prepare("SELECT id, charge, hold, settled_by FROM ledger_entries");
    std::map<std::string, Entry> entries;
    while (*rows->step()) {
        const auto added = entries.emplace(rows->text(0), Entry{rows->integer(1), rows->integer(2), rows->text(3)});
        EXPECT_TRUE(added.second) << rows->text(0) << " is there twice";
    }
    return entries;
}

TEST(LedgerCrashTest, EveryAcknowledgedRecordIsThereExactlyOnceAfterKill) {
    TemporaryDirectory directory;
    std::mt19937 random{20261124};
    std::map<std::string, std::int64_t> held;
    std::map<std::string, std::int64_t> settled;
    std::vector<std::string> decisions;
    for (int round = 0; round < 60; ++round) {
        const auto reports = run_and_kill(directory.path(), round, 1 + static_cast<int>(random() % 400));
        for (const auto& report : reports) {
            const auto id = id_of(report, round);
            if (report.kind == 'H') held[id] = report.amount;
            if (report.kind == 'S') settled[id] = report.amount;
            if (report.kind == 'D') decisions.push_back(id);
        }
        if (HasFailure()) return;
    }
    auto ledger = open_ledger(config_in(directory.path()));
    EXPECT_EQ(ledger->stats().open_holds, nano(0));
    ledger.reset();
    const auto report = verified(directory.path());
    const auto entries = read_entries(directory.path());
    std::int64_t sum = 0;
    for (const auto& [id, entry] : entries) sum += entry.charge;
    EXPECT_EQ(report.charged.value, sum);
    EXPECT_EQ(report.entries, entries.size());
    for (const auto& [id, amount] : held) {
        const auto entry = entries.find(id);
        ASSERT_NE(entry, entries.end()) << id << " was held and has no entry";
        EXPECT_EQ(entry->second.hold, amount) << id;
        // Killed before it was acknowledged, a settlement may or may not have reached the disk.
        if (entry->second.settled_by == "recovery") {
            EXPECT_EQ(entry->second.charge, amount) << id;
            EXPECT_FALSE(settled.contains(id)) << id;
        }
    }
    for (const auto& [id, amount] : settled) {
        const auto entry = entries.find(id);
        ASSERT_NE(entry, entries.end()) << id << " was settled and has no entry";
        EXPECT_EQ(entry->second.charge, amount) << id;
    }
    const auto reader = LedgerReader::open(directory.path());
    for (const auto& id : decisions) {
        const auto found = reader->decision(id);
        EXPECT_TRUE(found && *found) << id;
    }
    EXPECT_GT(settled.size(), 100U);
}

}  // namespace
}  // namespace sluice::policies::test
