#include "policies/ledger/journal_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace sluice::policies {

namespace {

std::error_code last_error() {
    return {errno, std::generic_category()};
}

core::Error unavailable(const std::filesystem::path& path, std::error_code reason) {
    return core::Error{core::Errc::Unavailable, path.string() + ": " + reason.message()};
}

class DiskFile final : public JournalFile {
public:
    explicit DiskFile(int descriptor) : descriptor_(descriptor) {}
    ~DiskFile() override { ::close(descriptor_); }

    std::error_code write(std::uint64_t offset, std::string_view bytes) override {
        while (!bytes.empty()) {
            const auto written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return last_error();
            if (written == 0) return std::make_error_code(std::errc::io_error);
            bytes.remove_prefix(static_cast<std::size_t>(written));
            offset += static_cast<std::uint64_t>(written);
        }
        return {};
    }

    std::error_code sync() override {
        // Never repeated after a failure: the kernel may have dropped the pages and would then report success.
        if (::fdatasync(descriptor_) != 0) return last_error();
        return {};
    }

private:
    int descriptor_;
};

class DiskFiles final : public JournalFiles {
public:
    core::Result<std::unique_ptr<JournalFile>> create(const Path& path, std::uint64_t bytes) override {
        const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (descriptor < 0) return unavailable(path, last_error());
        auto file = std::make_unique<DiskFile>(descriptor);
        const std::string zeros(std::min<std::uint64_t>(bytes, 1U << 20U), '\0');
        for (std::uint64_t at = 0; at < bytes; at += zeros.size()) {
            const auto piece = std::min<std::uint64_t>(zeros.size(), bytes - at);
            if (const auto failed = file->write(at, std::string_view{zeros}.substr(0, piece)); failed)
                return unavailable(path, failed);
        }
        if (::fsync(descriptor) != 0) return unavailable(path, last_error());
        return std::unique_ptr<JournalFile>{std::move(file)};
    }

    core::Result<std::unique_ptr<JournalFile>> open(const Path& path) override {
        const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
        if (descriptor < 0) return unavailable(path, last_error());
        return std::unique_ptr<JournalFile>{std::make_unique<DiskFile>(descriptor)};
    }

    std::error_code rename(const Path& from, const Path& to) override {
        return ::rename(from.c_str(), to.c_str()) == 0 ? std::error_code{} : last_error();
    }

    std::error_code remove(const Path& path) override {
        return ::unlink(path.c_str()) == 0 ? std::error_code{} : last_error();
    }

    std::error_code sync_directory(const Path& directory) override {
        const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (descriptor < 0) return last_error();
        const auto result = ::fsync(descriptor) == 0 ? std::error_code{} : last_error();
        ::close(descriptor);
        return result;
    }
};

}  // namespace

std::shared_ptr<JournalFiles> disk_journal_files() {
    return std::make_shared<DiskFiles>();
}

}  // namespace sluice::policies
