// The ledger's folder: who owns it, and bringing the books up to date with the journal before anything else happens.
#pragma once

#include "core/result.hpp"
#include "policies/ledger/books.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>

namespace sluice::policies {

// DIRECTORY/ledger.lock, held until destroyed; the system lets go of it when the process dies.
class DirectoryLock {
public:
    // Unavailable: another process owns the folder.
    static core::Result<DirectoryLock> take(const std::filesystem::path& directory);
    DirectoryLock(DirectoryLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
    DirectoryLock& operator=(DirectoryLock&&) = delete;
    ~DirectoryLock();

private:
    explicit DirectoryLock(int file) : file_(file) {}
    int file_;
};

std::filesystem::path journal_directory(const std::filesystem::path& directory);

// Opens the books and applies whatever the journal holds; the journal's files are gone afterwards. Needs the lock.
core::Result<std::unique_ptr<Books>> open_books_up_to_date(const std::filesystem::path& directory);

// Settles every open hold in full, as a crash leaves no other proof of what was sent. Returns how many.
core::Result<std::uint64_t> settle_abandoned_holds(Books& books, std::int64_t unix_nanoseconds);

// What is recorded as decision of a hold that nobody settled with one.
std::string decision_of_interrupted(const std::string& id, SettledBy settled_by, core::NanoUsd charge);

}  // namespace sluice::policies
