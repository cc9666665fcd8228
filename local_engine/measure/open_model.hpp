// A model of a file, opened with the choices of a diagnostic.
#pragma once

#include "core/result.hpp"
#include "local_engine/diagnostics.hpp"
#include "local_engine/model/model.hpp"

#include <filesystem>
#include <memory>

namespace sluice::local_engine {

// Unsupported or Unavailable, with field "instruction_set" or "backend": this machine has no such backend.
core::Result<std::unique_ptr<Kernels>> make_kernels(const DiagnosticOptions& options);

core::Result<std::unique_ptr<Model>> open_model(const std::filesystem::path& path, const DiagnosticOptions& options,
                                                const ForwardLimits& limits);

}  // namespace sluice::local_engine
