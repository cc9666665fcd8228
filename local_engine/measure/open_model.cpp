#include "local_engine/measure/open_model.hpp"

#include "local_engine/kernels/cuda/open.hpp"

#include <utility>

namespace sluice::local_engine {

core::Result<std::unique_ptr<Kernels>> make_kernels(const DiagnosticOptions& options) {
    if (options.backend == Backend::Cuda) return make_cuda_kernels(options.activations);
    auto kernels = options.backend == Backend::Reference
                       ? make_reference_kernels()
                       : make_cpu_kernels({options.threads, options.activations, options.instruction_set});
    if (!kernels) {
        return core::Error{core::Errc::Unsupported, "this machine cannot run '" + options.instruction_set + "'", "instruction_set"};
    }
    return kernels;
}

core::Result<std::unique_ptr<Model>> open_model(const std::filesystem::path& path, const DiagnosticOptions& options,
                                                const ForwardLimits& limits) {
    auto file = gguf::Reader::open(path);
    if (!file) return file.error();
    auto plan = read_plan(**file);
    if (!plan) return plan.error();
    if (auto checked = check_weights(**file, *plan); !checked) return checked.error();
    auto kernels = make_kernels(options);
    if (!kernels) return kernels.error();
    return build_model(std::move(*file), std::move(*plan), std::move(*kernels), limits);
}

}  // namespace sluice::local_engine
