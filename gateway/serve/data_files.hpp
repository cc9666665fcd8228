// Files of the data directory that serve makes for itself.
#pragma once

#include <filesystem>

#include "core/result.hpp"
#include "core/secret.hpp"

namespace sluice::gateway {

// The bundled demo model, written to DIRECTORY/models on first use and again when its bytes differ from the program's.
core::Result<std::filesystem::path> unpack_bundled_model(const std::filesystem::path& directory);

// 32 random bytes in DIRECTORY/NAME, made at first use, mode 0600.
core::Result<core::Secret> secret_file(const std::filesystem::path& directory, const std::string& name);

}  // namespace sluice::gateway
