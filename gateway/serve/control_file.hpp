// Small JSON files in the data directory by which a command speaks to the gateway that runs over it: one asks, one says what
// is. The directory belongs to the operator (mode 0700), so whoever can write there may do this.
#pragma once

#include "core/json.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace sluice::gateway {

std::optional<core::Json> read_control_file(const std::filesystem::path& path);
// Readers see the old file or the new one.
bool write_control_file(const std::filesystem::path& path, const core::Json& json);
// Whether the process that wrote the state ("pid") still runs.
bool writer_runs(const core::Json& state);
// A member that is a text; otherwise empty.
std::string text_member(const core::Json& json, const char* name);

// One asks at a time: released by the destructor.
class ControlTurn {
public:
    explicit ControlTurn(const std::filesystem::path& lock);
    ~ControlTurn();
    ControlTurn(const ControlTurn&) = delete;
    ControlTurn& operator=(const ControlTurn&) = delete;
    bool mine() const;

private:
    int file_;
};

}  // namespace sluice::gateway
