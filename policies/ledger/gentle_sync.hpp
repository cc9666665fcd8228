// Brings a file's changed pages to disk in small pieces with rests between them, then syncs it: a sync of many megabytes at once
// keeps the disk busy for a tenth of a second, and the journal's small syncs, for which requests wait, stand in its queue.
//
// For a file that SQLite has open the descriptor must outlive the connections to it: closing any descriptor of a file drops the
// process's locks on it (https://www.sqlite.org/howtocorrupt.html, 2.2).
#pragma once

#include "core/result.hpp"

#include <filesystem>

namespace sluice::policies {

class GentleSync {
public:
    static core::Result<GentleSync> open(const std::filesystem::path& path);
    GentleSync(GentleSync&& other) noexcept;
    GentleSync& operator=(GentleSync&&) = delete;
    ~GentleSync();

    // What was written before the call is on disk after it; an error of the disk otherwise. Takes as long as it takes.
    core::Result<void> run() const;

private:
    GentleSync(int descriptor, std::filesystem::path path);
    core::Error failed() const;

    int descriptor_;
    std::filesystem::path path_;
};

}  // namespace sluice::policies
