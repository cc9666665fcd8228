#include "gateway/cli/part_file.hpp"

#include "core/crypto.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace sluice::gateway::cli {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20U;

std::filesystem::path with_suffix(std::filesystem::path path, const char* suffix) {
    path += suffix;
    return path;
}

}  // namespace

PartFile::PartFile(std::filesystem::path target, int file) : target_(std::move(target)), file_(file) {}

PartFile::PartFile(PartFile&& other) noexcept
    : target_(std::move(other.target_)),
      file_(std::exchange(other.file_, -1)),
      size_(other.size_),
      validator_(std::move(other.validator_)) {}

PartFile::~PartFile() {
    if (file_ >= 0) ::close(file_);
}

std::filesystem::path PartFile::part() const {
    return with_suffix(target_, ".part");
}
std::filesystem::path PartFile::tag() const {
    return with_suffix(target_, ".part.etag");
}

core::Error PartFile::failure(const char* what) const {
    return {.code = core::Errc::Unavailable,
            .detail = std::string(what) + ": " + std::strerror(errno),
            .field = part().string()};
}

core::Result<PartFile> PartFile::open(const std::filesystem::path& target) {
    std::error_code ignored;
    if (std::filesystem::exists(target, ignored)) {
        return core::Error{core::Errc::Forbidden, "exists already and is not overwritten", target.string()};
    }
    const std::filesystem::path part = with_suffix(target, ".part");
    PartFile file(target, ::open(part.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (file.file_ < 0) return file.failure("cannot be written");
    if (::flock(file.file_, LOCK_EX | LOCK_NB) != 0) {
        return core::Error{core::Errc::Forbidden, "is being written by another process", part.string()};
    }
    struct stat status {};
    if (::fstat(file.file_, &status) != 0) return file.failure("cannot be read");
    file.size_ = static_cast<std::uint64_t>(status.st_size);
    std::ifstream tag(file.tag());
    std::getline(tag, file.validator_);
    return file;
}

core::Result<void> PartFile::restart(const std::string& validator) {
    if (::ftruncate(file_, 0) != 0) return failure("cannot be emptied");
    size_ = 0;
    validator_ = validator;
    std::ofstream tag(this->tag(), std::ios::trunc);
    tag << validator << '\n';
    tag.close();
    if (!tag) return failure("its .etag cannot be written");
    return {};
}

core::Result<void> PartFile::append(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return failure("cannot be written");
        size_ += static_cast<std::uint64_t>(written);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

core::Result<std::string> PartFile::sha256() const {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    if (!digest || EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr) != 1) {
        return core::Error{core::Errc::Internal, "OpenSSL has no SHA-256"};
    }
    std::vector<char> bytes(kReadBytes);
    for (std::uint64_t at = 0; at < size_;) {
        const ssize_t got = ::pread(file_, bytes.data(), bytes.size(), static_cast<off_t>(at));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return failure("cannot be read back");
        EVP_DigestUpdate(digest.get(), bytes.data(), static_cast<std::size_t>(got));
        at += static_cast<std::uint64_t>(got);
    }
    core::Digest result{};
    EVP_DigestFinal_ex(digest.get(), result.data(), nullptr);
    return core::to_hex(result);
}

core::Result<void> PartFile::commit() {
    if (::fsync(file_) != 0) return failure("cannot be synced");
    if (::renameat2(AT_FDCWD, part().c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) != 0) {
        return failure(errno == EEXIST ? "cannot be renamed: the file appeared meanwhile" : "cannot be renamed");
    }
    std::error_code ignored;
    std::filesystem::remove(tag(), ignored);
    return {};
}

void PartFile::remove() {
    std::error_code ignored;
    std::filesystem::remove(part(), ignored);
    std::filesystem::remove(tag(), ignored);
}

}  // namespace sluice::gateway::cli
