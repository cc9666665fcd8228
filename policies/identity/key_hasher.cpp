#include "policies/identity/key_hasher.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <system_error>

namespace sluice::policies {

namespace {

using core::Errc;
using core::Error;
using core::Result;

constexpr std::size_t kPepperBytes = 32;

Error failed(const std::filesystem::path& path) {
    return Error{Errc::Unavailable, path.string() + ": " + std::error_code{errno, std::generic_category()}.message()};
}

// Complete before it has its name, and never replaces one that another process made meanwhile.
Result<void> make_pepper(const std::filesystem::path& path) {
    const std::filesystem::path draft = path.string() + "." + core::to_hex(core::random_bytes(8));
    const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return failed(draft);
    std::string bytes = core::random_bytes(kPepperBytes);
    const bool written =
        ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) && ::fsync(file) == 0;
    OPENSSL_cleanse(bytes.data(), bytes.size());
    Result<void> result;
    if (!written || (::link(draft.c_str(), path.c_str()) != 0 && errno != EEXIST)) result = failed(path);
    ::close(file);
    ::unlink(draft.c_str());
    const int directory = ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0) {
        if (result && ::fsync(directory) != 0) result = failed(path);
        ::close(directory);
    }
    return result;
}

Result<core::Secret> read_pepper(const std::filesystem::path& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return failed(path);
    struct stat about {};
    std::string bytes(kPepperBytes + 1, '\0');
    const bool known = ::fstat(file, &about) == 0;
    const auto got = ::read(file, bytes.data(), bytes.size());
    ::close(file);
    bytes.resize(got == static_cast<ssize_t>(kPepperBytes) ? kPepperBytes : 0);
    core::Secret pepper{std::move(bytes)};
    if (known && (about.st_mode & 0077U) != 0)
        return Error{Errc::Unavailable, path.string() + " can be read by other users: chmod 600 it"};
    if (pepper.empty()) return Error{Errc::Corrupt, path.string() + " is not a pepper of 32 bytes"};
    return pepper;
}

}  // namespace

Result<KeyHasher> KeyHasher::open(const std::filesystem::path& directory, MissingPepper missing) {
    const auto path = directory / "pepper";
    if (!std::filesystem::exists(path)) {
        if (missing == MissingPepper::Refuse)
            return Error{Errc::Corrupt, path.string() + " is missing: the keys in identity.db are useless without it"};
        if (auto made = make_pepper(path); !made) return made.error();
    }
    const auto pepper = read_pepper(path);
    if (!pepper) return pepper.error();
    return KeyHasher{*pepper};
}

}  // namespace sluice::policies
