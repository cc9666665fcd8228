// The disk under the journal, behind an interface so that tests can fill it up or break it at a chosen call.
// Used by one thread at a time per file; errors are the operating system's.
#pragma once

#include "core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>

namespace sluice::policies {

class JournalFile {
public:
    JournalFile() = default;
    JournalFile(const JournalFile&) = delete;
    JournalFile& operator=(const JournalFile&) = delete;
    virtual ~JournalFile() = default;
    virtual std::error_code write(std::uint64_t offset, std::string_view bytes) = 0;  // all of them or an error
    virtual std::error_code sync() = 0;                                               // data is on stable storage
};

class JournalFiles {
public:
    using Path = std::filesystem::path;
    JournalFiles() = default;
    JournalFiles(const JournalFiles&) = delete;
    JournalFiles& operator=(const JournalFiles&) = delete;
    virtual ~JournalFiles() = default;

    // A new file of `bytes` zeros, written out: later writes change no metadata, which makes sync() several times
    // cheaper.
    virtual core::Result<std::unique_ptr<JournalFile>> create(const Path& path, std::uint64_t bytes) = 0;
    virtual core::Result<std::unique_ptr<JournalFile>> open(const Path& path) = 0;
    virtual std::error_code rename(const Path& from, const Path& to) = 0;
    virtual std::error_code remove(const Path& path) = 0;
    virtual std::error_code sync_directory(const Path& directory) = 0;
};

std::shared_ptr<JournalFiles> disk_journal_files();

}  // namespace sluice::policies
