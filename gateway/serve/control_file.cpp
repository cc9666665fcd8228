#include "gateway/serve/control_file.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <fstream>
#include <system_error>

namespace sluice::gateway {

namespace fs = std::filesystem;
using core::Json;

namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20U;

}  // namespace

std::optional<Json> read_control_file(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) return std::nullopt;
    std::string bytes(kMostBytes, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(file.gcount()));
    auto json = core::parse_json(bytes);
    if (!json || !json->is_object()) return std::nullopt;
    return std::move(*json);
}

bool write_control_file(const fs::path& path, const Json& json) {
    const fs::path part = path.string() + ".part";
    {
        std::ofstream file{part, std::ios::binary | std::ios::trunc};
        file << core::dump_json(json) << '\n';
        if (!file.flush()) return false;
    }
    std::error_code wrong;
    fs::permissions(part, fs::perms::owner_read | fs::perms::owner_write, wrong);
    fs::rename(part, path, wrong);
    return !wrong;
}

bool writer_runs(const Json& state) {
    const auto pid = state.find("pid");
    return pid != state.end() && pid->is_number_integer() && kill(pid->get<pid_t>(), 0) == 0;
}

std::string text_member(const Json& json, const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

ControlTurn::ControlTurn(const fs::path& lock) : file_(open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {}

ControlTurn::~ControlTurn() {
    if (file_ >= 0) close(file_);
}

bool ControlTurn::mine() const {
    return file_ >= 0 && flock(file_, LOCK_EX | LOCK_NB) == 0;
}

}  // namespace sluice::gateway
