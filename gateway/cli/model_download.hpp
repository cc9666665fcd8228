// Fetches a model file: resumable, checked, and visible under its name only when it is whole.
//
// The bytes go to TARGET.part, beside it TARGET.part.etag with what identifies the server's version of the file. A
// later call goes on where an earlier one ended, if the server still has that version. Size and SHA-256 are checked
// over the whole file before it is renamed; an existing TARGET is never touched.
#pragma once

#include "core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace sluice::gateway::cli {

struct DownloadRequest {
    std::string url;
    std::filesystem::path target;
    std::optional<std::uint64_t> size;  // expected bytes
    std::optional<std::string> sha256;  // expected, 64 hex digits
};

struct Downloaded {
    std::uint64_t bytes = 0;
    std::uint64_t resumed_from = 0;
    std::string sha256;
};

// `progress` gets the bytes on disk so far and, when the server says it, the total. Blocking.
// Errors: InvalidRequest (URL), Forbidden (the target exists, another pull runs), Corrupt (size or SHA-256 differ: what
// was fetched is removed), Unavailable, Timeout, UpstreamFailed, UpstreamRejected (status of the server).
core::Result<Downloaded> download(const DownloadRequest& request,
                                  const std::function<void(std::uint64_t, std::optional<std::uint64_t>)>& progress);

}  // namespace sluice::gateway::cli
