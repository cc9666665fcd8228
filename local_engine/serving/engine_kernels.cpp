#include "local_engine/serving/engine_kernels.hpp"

#include "local_engine/kernels/cuda/open.hpp"

namespace sluice::local_engine {
namespace {

std::string megabytes(std::uint64_t bytes) {
    return std::to_string(bytes / 1'000'000) + " MB";
}

}  // namespace

core::Result<std::unique_ptr<Kernels>> open_card(const EngineConfig& config) {
    auto kernels = config.open_card ? config.open_card(config.activations) : make_cuda_kernels(config.activations);
    if (!kernels) return kernels;
    if (std::string why = (*kernels)->failure(); !why.empty())
        return core::Error{core::Errc::Unavailable, std::move(why), "backend"};
    return kernels;
}

BackendChoice choose_backend(const EngineConfig& config, std::uint64_t bytes) {
    if (config.backend != EngineBackend::Auto) return {config.backend};
    const auto card = open_card(config);
    if (!card) return {EngineBackend::Cpu, "auto: " + card.error().detail + ", so the CPU computes"};
    const std::uint64_t room = (*card)->own_memory();
    const std::string name = (*card)->name();
    if (room < bytes) {
        return {EngineBackend::Cpu, "auto: " + name + " has " + megabytes(room) + " free and the model takes " +
                                        megabytes(bytes) + ", so the CPU computes"};
    }
    return {EngineBackend::Cuda, "auto: " + name + " answers and has " + megabytes(room) + " free"};
}

core::Result<std::unique_ptr<Kernels>> make_engine_kernels(const EngineConfig& config, EngineBackend backend,
                                                           std::uint64_t bytes) {
    if (backend == EngineBackend::Cuda) {
        auto card = open_card(config);
        if (!card || (*card)->own_memory() >= bytes) return card;
        return core::Error{core::Errc::Unavailable, (*card)->name() + " has " + megabytes((*card)->own_memory()) +
                                                        " free, the model takes " + megabytes(bytes) + " of it"};
    }
    auto kernels = make_cpu_kernels({config.threads, config.activations, config.instruction_set});
    if (kernels) return kernels;
    return core::Error{core::Errc::InvalidRequest, "this machine cannot run '" + config.instruction_set + "'",
                       "instruction_set"};
}

}  // namespace sluice::local_engine
