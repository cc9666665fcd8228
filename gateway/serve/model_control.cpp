#include "gateway/serve/model_control.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <system_error>
#include <thread>

namespace sluice::gateway {

namespace fs = std::filesystem;
using core::Errc;
using core::Error;
using core::Json;

namespace {

constexpr const char* kRequest = "models.request.json";
constexpr const char* kState = "models.state.json";
constexpr std::size_t kMostBytes = std::size_t{1} << 20U;

std::optional<Json> read_json(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) return std::nullopt;
    std::string bytes(kMostBytes, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(file.gcount()));
    auto json = core::parse_json(bytes);
    if (!json || !json->is_object()) return std::nullopt;
    return std::move(*json);
}

// Readers see the old file or the new one.
bool write_json(const fs::path& path, const Json& json) {
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

bool runs(const Json& state) {
    const auto pid = state.find("pid");
    return pid != state.end() && pid->is_number_integer() && kill(pid->get<pid_t>(), 0) == 0;
}

std::string text_of(const Json& json, const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// One asks at a time: released by the destructor.
class Turn {
public:
    explicit Turn(const fs::path& path) : file_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {}
    ~Turn() {
        if (file_ >= 0) close(file_);
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    bool mine() const { return file_ >= 0 && flock(file_, LOCK_EX | LOCK_NB) == 0; }

private:
    int file_;
};

}  // namespace

std::optional<Json> model_state(const fs::path& data) {
    auto state = read_json(data / kState);
    if (!state || !runs(*state)) return std::nullopt;
    return state;
}

core::Result<Json> ask_for_model(const fs::path& data, const ModelRequest& request, std::chrono::seconds most) {
    if (!model_state(data)) return Error{Errc::Unavailable, "no gateway with a local engine runs over " + data.string()};
    const Turn turn{data / "models.lock"};
    if (!turn.mine()) return Error{Errc::Unavailable, "another command is loading or unloading a model"};
    if (!write_json(data / kRequest, {{"id", request.id}, {"action", request.load ? "load" : "unload"}, {"name", request.name}}))
        return Error{Errc::Unavailable, (data / kRequest).string() + " cannot be written"};
    const auto until = std::chrono::steady_clock::now() + most;
    while (std::chrono::steady_clock::now() < until) {
        const auto state = model_state(data);
        if (!state) return Error{Errc::Unavailable, "the gateway has ended"};
        if (text_of(*state, "answered") == request.id) {
            if (const std::string error = text_of(*state, "error"); !error.empty()) return Error{Errc::Unavailable, error};
            return *state;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return Error{Errc::Unavailable, "the gateway did not answer in time; it may still be loading"};
}

std::optional<ModelRequest> read_model_request(const fs::path& data) {
    const auto json = read_json(data / kRequest);
    if (!json) return std::nullopt;
    ModelRequest request{text_of(*json, "id"), text_of(*json, "action") == "load", text_of(*json, "name")};
    if (request.id.empty() || request.name.empty() || (!request.load && text_of(*json, "action") != "unload")) return std::nullopt;
    return request;
}

void write_model_state(const fs::path& data, const Json& models, const std::string& answered, const std::string& error) {
    Json state{{"pid", getpid()}, {"models", models}, {"answered", answered}};
    if (!error.empty()) state["error"] = error;
    write_json(data / kState, state);
}

void remove_model_state(const fs::path& data) {
    std::error_code ignored;
    fs::remove(data / kState, ignored);
    fs::remove(data / kRequest, ignored);
}

}  // namespace sluice::gateway
