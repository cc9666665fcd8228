#include "local_engine/measure/open_model.hpp"

#include <utility>

namespace sluice::local_engine {

core::Result<std::unique_ptr<Model>> open_model(const std::filesystem::path& path, const DiagnosticOptions& options,
                                                const ForwardLimits& limits) {
    auto file = gguf::Reader::open(path);
    if (!file) return file.error();
    auto plan = read_plan(**file);
    if (!plan) return plan.error();
    auto kernels = options.backend == Backend::Reference
                       ? make_reference_kernels()
                       : make_cpu_kernels({options.threads, options.activations, options.instruction_set});
    if (!kernels) {
        return core::Error{core::Errc::Unsupported, "this machine cannot run '" + options.instruction_set + "'", "instruction_set"};
    }
    return build_model(std::move(*file), std::move(*plan), std::move(kernels), limits);
}

}  // namespace sluice::local_engine
