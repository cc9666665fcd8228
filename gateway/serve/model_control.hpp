// How `sluice models load` speaks to the gateway over the same data directory: one file asks, one file says what is. The
// directory belongs to the operator (mode 0700), so whoever can write there may do this.
#pragma once

#include "core/json.hpp"
#include "core/result.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace sluice::gateway {

struct ModelRequest {
    std::string id;  // of this request, chosen by who asks
    bool load = true;
    std::string name;  // without "local/"
};

// The asking side. Waits for the answer: state's "models" and, when it went wrong, the error. Unavailable: no gateway runs
// over this directory, somebody else is asking, or the answer did not come in time.
// `progress` hears of the bytes of a file that is being read.
core::Result<core::Json> ask_for_model(const std::filesystem::path& data, const ModelRequest& request, std::chrono::seconds most,
                                       const std::function<void(std::uint64_t bytes, std::uint64_t total)>& progress = {});
// What the gateway last said, if one runs.
std::optional<core::Json> model_state(const std::filesystem::path& data);

// Bytes that one of state's models takes, of all kinds together; 0: it is not loaded.
std::int64_t memory_of(const core::Json& model);

// The gateway's side.
struct LoadingModel {
    std::string name;
    std::uint64_t bytes = 0, total = 0;
};
std::optional<ModelRequest> read_model_request(const std::filesystem::path& data);
void write_model_state(const std::filesystem::path& data, const core::Json& models, const std::string& answered, const std::string& error,
                       const std::optional<LoadingModel>& loading = std::nullopt);
void remove_model_state(const std::filesystem::path& data);

}  // namespace sluice::gateway
