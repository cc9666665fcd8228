#include "gateway/serve/data_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

#include "core/crypto.hpp"

extern "C" {
extern const char sluice_bundled_model_begin[];
extern const char sluice_bundled_model_end[];
}

namespace sluice::gateway {

namespace fs = std::filesystem;

namespace {

std::string read_file(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

// Whole or not at all: written beside the target, synced, renamed over it.
core::Result<void> write_file(const fs::path& path, std::string_view bytes, mode_t mode) {
    const fs::path part = path.string() + ".part." + std::to_string(getpid());
    const auto failure = [&] {
        return core::Error{core::Errc::Unavailable, "cannot be written: " + std::system_category().message(errno), path.string()};
    };
    const int fd = open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0) return failure();
    bool good = true;
    while (good && !bytes.empty()) {
        const auto written = write(fd, bytes.data(), bytes.size());
        good = written > 0;
        if (good) bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    good = good && fsync(fd) == 0;
    const auto failed = failure();
    close(fd);
    if (good && rename(part.c_str(), path.c_str()) == 0) return {};
    unlink(part.c_str());
    return failed;
}

}  // namespace

core::Result<fs::path> unpack_bundled_model(const fs::path& directory) {
    const std::string_view model{sluice_bundled_model_begin, static_cast<std::size_t>(sluice_bundled_model_end - sluice_bundled_model_begin)};
    const fs::path folder = directory / "models";
    const fs::path path = folder / "sluice-demo.gguf";
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return core::Error{core::Errc::Unavailable, "cannot be made: " + error.message(), folder.string()};
    if (fs::file_size(path, error) == model.size() && !error && core::sha256(read_file(path)) == core::sha256(model)) return path;
    if (auto written = write_file(path, model, 0644); !written) return written.error();
    return path;
}

core::Result<core::Secret> secret_file(const fs::path& directory, const std::string& name) {
    const fs::path path = directory / name;
    if (!fs::exists(path)) {
        if (auto written = write_file(path, core::random_bytes(32), 0600); !written) return written.error();
    }
    std::string bytes = read_file(path);
    if (bytes.size() != 32) return core::Error{core::Errc::Corrupt, "must hold 32 bytes; remove it to have a new one made", path.string()};
    return core::Secret{std::move(bytes)};
}

}  // namespace sluice::gateway
