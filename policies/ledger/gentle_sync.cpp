#include "policies/ledger/gentle_sync.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

namespace sluice::policies {

namespace {

using Clock = std::chrono::steady_clock;

constexpr off_t kPiece = off_t{256} << 10U;  // a millisecond or so of a disk's time
constexpr std::chrono::microseconds kNothingWritten{50};
constexpr std::chrono::milliseconds kRest{1};
constexpr unsigned kWriteAndWait = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

}  // namespace

core::Result<GentleSync> GentleSync::open(const std::filesystem::path& path) {
    GentleSync opened{::open(path.c_str(), O_RDWR | O_CLOEXEC), path};
    if (opened.descriptor_ < 0) return opened.failed();
    return opened;
}

GentleSync::GentleSync(int descriptor, std::filesystem::path path) : descriptor_(descriptor), path_(std::move(path)) {}

GentleSync::GentleSync(GentleSync&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

GentleSync::~GentleSync() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

core::Error GentleSync::failed() const {
    return core::Error{core::Errc::Unavailable, path_.string() + ": " + std::error_code{errno, std::generic_category()}.message()};
}

core::Result<void> GentleSync::run() const {
    struct stat about {};
    if (::fstat(descriptor_, &about) != 0) return failed();
    for (off_t at = 0; at < about.st_size; at += kPiece) {
        const auto before = Clock::now();
        // Only a beginning: what it cannot do here, or fails at, fdatasync does or reports.
        if (::sync_file_range(descriptor_, at, kPiece, kWriteAndWait) != 0) break;
        const auto took = Clock::now() - before;
        if (took > kNothingWritten) std::this_thread::sleep_for(std::max<Clock::duration>(took, kRest));
    }
    if (::fdatasync(descriptor_) != 0) return failed();
    return {};
}

}  // namespace sluice::policies
