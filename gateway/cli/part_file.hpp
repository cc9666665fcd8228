// A file on its way: TARGET.part, locked while it is written, and the version of the server's file it belongs to.
#pragma once

#include "core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace sluice::gateway::cli {

class PartFile {
public:
    // Opens or makes TARGET.part. Forbidden: TARGET exists, or another process writes the part.
    static core::Result<PartFile> open(const std::filesystem::path& target);
    PartFile(PartFile&& other) noexcept;
    PartFile(const PartFile&) = delete;
    PartFile& operator=(const PartFile&) = delete;
    PartFile& operator=(PartFile&&) = delete;
    ~PartFile();

    std::uint64_t size() const { return size_; }
    const std::string& validator() const { return validator_; }  // ETag or date of the server; may be empty

    core::Result<void> restart(const std::string& validator);  // empties it
    core::Result<void> append(std::string_view bytes);
    core::Result<std::string> sha256() const;  // hex, of all bytes
    core::Result<void> commit();               // on disk, then renamed to TARGET; never over an existing file
    void remove();

private:
    PartFile(std::filesystem::path target, int file);
    std::filesystem::path part() const;
    std::filesystem::path tag() const;
    core::Error failure(const char* what) const;

    std::filesystem::path target_;
    int file_;
    std::uint64_t size_ = 0;
    std::string validator_;
};

}  // namespace sluice::gateway::cli
