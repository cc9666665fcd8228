#include "gateway/serve/model_control.hpp"

#include "gateway/serve/control_file.hpp"

#include <unistd.h>

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

}  // namespace

std::optional<Json> model_state(const fs::path& data) {
    auto state = read_control_file(data / kState);
    if (!state || !writer_runs(*state)) return std::nullopt;
    return state;
}

core::Result<Json> ask_for_model(const fs::path& data, const ModelRequest& request, std::chrono::seconds most,
                                 const std::function<void(std::uint64_t bytes, std::uint64_t total)>& progress) {
    if (!model_state(data)) return Error{Errc::Unavailable, "no gateway with a local engine runs over " + data.string()};
    const ControlTurn turn{data / "models.lock"};
    if (!turn.mine()) return Error{Errc::Unavailable, "another command is loading or unloading a model"};
    if (!write_control_file(data / kRequest, {{"id", request.id}, {"action", request.load ? "load" : "unload"}, {"name", request.name}}))
        return Error{Errc::Unavailable, (data / kRequest).string() + " cannot be written"};
    const auto until = std::chrono::steady_clock::now() + most;
    while (std::chrono::steady_clock::now() < until) {
        const auto state = model_state(data);
        if (!state) return Error{Errc::Unavailable, "the gateway has ended"};
        if (text_member(*state, "answered") == request.id) {
            if (const std::string error = text_member(*state, "error"); !error.empty()) return Error{Errc::Unavailable, error};
            return *state;
        }
        if (const auto loading = state->find("loading"); progress && loading != state->end()) {
            progress(loading->value("bytes", std::uint64_t{0}), loading->value("total", std::uint64_t{0}));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return Error{Errc::Unavailable, "the gateway did not answer in time; it may still be loading"};
}

std::int64_t memory_of(const Json& model) {
    std::int64_t bytes = 0;
    if (const auto parts = model.find("bytes"); parts != model.end()) {
        for (const auto& [part, value] : parts->items()) bytes += value.get<std::int64_t>();
    }
    return bytes;
}

std::optional<ModelRequest> read_model_request(const fs::path& data) {
    const auto json = read_control_file(data / kRequest);
    if (!json) return std::nullopt;
    ModelRequest request{text_member(*json, "id"), text_member(*json, "action") == "load", text_member(*json, "name")};
    if (request.id.empty() || request.name.empty() || (!request.load && text_member(*json, "action") != "unload")) return std::nullopt;
    return request;
}

void write_model_state(const fs::path& data, const Json& models, const std::string& answered, const std::string& error,
                       const std::optional<LoadingModel>& loading) {
    Json state{{"pid", getpid()}, {"models", models}, {"answered", answered}};
    if (!error.empty()) state["error"] = error;
    if (loading) state["loading"] = {{"name", "local/" + loading->name}, {"bytes", loading->bytes}, {"total", loading->total}};
    write_control_file(data / kState, state);
}

void remove_model_state(const fs::path& data) {
    std::error_code ignored;
    fs::remove(data / kState, ignored);
    fs::remove(data / kRequest, ignored);
}

}  // namespace sluice::gateway
