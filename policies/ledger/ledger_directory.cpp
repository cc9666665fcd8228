#include "policies/ledger/ledger_directory.hpp"

#include "policies/ledger/applier.hpp"
#include "policies/ledger/journal_recovery.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <system_error>
#include <thread>

namespace sluice::policies {

using core::Errc;
using core::Error;
using core::Result;

Result<DirectoryLock> DirectoryLock::take(const std::filesystem::path& directory) {
    const auto path = directory / "ledger.lock";
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return Error{Errc::Unavailable,
                     path.string() + ": " + std::error_code{errno, std::generic_category()}.message()};
    if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
        ::close(file);
        return Error{Errc::Unavailable, directory.string() + " is in use by another process"};
    }
    return DirectoryLock{file};
}

DirectoryLock::~DirectoryLock() {
    if (file_ >= 0) ::close(file_);
}

std::filesystem::path journal_directory(const std::filesystem::path& directory) {
    return directory / "journal";
}

namespace {

// A report that ends at this moment may be doing the same work: it takes milliseconds.
Result<void> wait_until_durable(Books& books, const std::filesystem::path& directory) {
    constexpr int kTries = 200;
    for (int i = 0; i < kTries; ++i) {
        const auto durable = books.make_durable(Books::Pace::Full);
        if (!durable) return durable.error();
        if (*durable) return {};
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    return Error{Errc::Unavailable, directory.string() + ": another process holds its ledger; try again"};
}

}  // namespace

Result<std::unique_ptr<Books>> open_books_up_to_date(const std::filesystem::path& directory) {
    const auto journal = journal_directory(directory);
    if (auto made = make_private_directory(journal); !made) return made.error();
    auto books = Books::open(directory);
    if (!books) return books;
    const auto recovered = recover_journal(journal, (*books)->applied());
    if (!recovered) return recovered.error();
    JournalApplication application{**books};
    while ((*books)->applied() < recovered->last_sequence) {
        if (auto applied = application.apply_some(recovered->segments, recovered->last_sequence); !applied)
            return applied.error();
    }
    // A process that ended may have left commits that are not on disk: without the journal nothing would bring them back.
    if (auto durable = wait_until_durable(**books, directory); !durable) return durable.error();
    if (auto removed = remove_journal_files(journal); !removed) return removed.error();
    return books;
}

Result<std::uint64_t> settle_abandoned_holds(Books& books, std::int64_t unix_nanoseconds) {
    const auto holds = books.open_holds();
    if (holds.empty()) return std::uint64_t{0};
    if (auto begun = books.begin(); !begun) return begun.error();
    std::uint64_t sequence = books.applied();
    std::string payload;
    for (const auto& hold : holds) {
        const auto& held = hold.record;
        encode(SettleRecord{.hold = hold.sequence,
                            .settled_by = SettledBy::Recovery,
                            .charge = held.amount,
                            .target = held.target,
                            .zone = held.zone,
                            .decision_json = decision_of_interrupted(held.id, SettledBy::Recovery, held.amount)},
               payload);
        const Record record{
            .type = RecordType::Settle, .sequence = ++sequence, .time = unix_nanoseconds, .payload = payload};
        if (auto added = books.add(record); !added) return added.error();
    }
    if (auto committed = books.commit(); !committed) return committed.error();
    return std::uint64_t{holds.size()};
}

std::string decision_of_interrupted(const std::string& id, SettledBy settled_by, core::NanoUsd charge) {
    core::Json decision{{"id", id},
                        {"outcome", "interrupted"},
                        {"settled_by", std::string{to_string(settled_by)}},
                        {"cost", core::format_usd(charge)}};
    return core::dump_json(decision);
}

}  // namespace sluice::policies
