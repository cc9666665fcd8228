// Reads a model file into memory when it is loaded, not at the first request: several readers at once, in small pieces,
// so that it can be reported and given up.
#pragma once

#include "core/result.hpp"
#include "local_engine/gguf/reader.hpp"

#include <cstdint>
#include <functional>

namespace sluice::local_engine {

// Bytes of tensors that have been read, of how many. Called by the thread that loads, about ten times a second, and
// once when all is read. False gives the loading up: Cancelled.
using LoadProgress = std::function<bool(std::uint64_t bytes, std::uint64_t total)>;

// Blocking. Errors: Unavailable (the disk fails, or somebody made the file shorter), Cancelled.
core::Result<void> read_ahead(const gguf::Reader& file, const LoadProgress& progress);

}  // namespace sluice::local_engine
