// Reference material that is not part of the repository: tests that need it skip when it is not there.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace sluice::test {

// $SLUICE_SHARED, else the folder "shared" beside the checkout.
inline std::filesystem::path shared_file(const std::string& name) {
    const char* folder = std::getenv("SLUICE_SHARED");
    return std::filesystem::path(folder != nullptr ? folder : SLUICE_SOURCE_DIR "/../shared") / name;
}

}  // namespace sluice::test
