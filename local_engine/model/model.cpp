#include "local_engine/model/model.hpp"

#include "local_engine/model/memory_plan.hpp"

#include <utility>

namespace sluice::local_engine {
core::Result<std::unique_ptr<Model>> build_model(std::unique_ptr<gguf::Reader> file, ModelPlan plan,
                                                 std::unique_ptr<Kernels> kernels, const ForwardLimits& limits,
                                                 const LoadProgress& progress) {
    auto model = std::make_unique<Model>();
    model->file = std::move(file);
    model->plan = std::move(plan);
    if (auto equipped = equip(*model, std::move(kernels), limits, progress); !equipped) return equipped.error();
    return model;
}

core::Result<void> equip(Model& model, std::unique_ptr<Kernels> kernels, const ForwardLimits& limits, const LoadProgress& progress) {
    const std::uint64_t own = kernels->own_memory();
    if (auto fits = check_memory(plan_memory(*model.file, model.plan, limits), own > 0 ? own : available_memory()); !fits) return fits.error();
    // Before anything touches a weight: here a file that has become shorter is an error, later it ends the process.
    if (auto read = read_ahead(*model.file, progress); !read) return read.error();
    model.kernels = std::move(kernels);
    auto weights = load_weights(*model.file, model.plan, *model.kernels);
    if (!weights) return weights.error();
    model.weights = std::move(*weights);
    auto forward = Forward::create(model.plan, model.weights, *model.kernels, limits);
    if (!forward) return forward.error();
    if (std::string why = model.kernels->failure(); !why.empty()) return core::Error{core::Errc::Unavailable, std::move(why)};
    model.forward = std::move(*forward);
    return {};
}

void drop_kernels(Model& model) {
    model.forward.reset();
    model.weights = {};
    model.kernels.reset();
}

}  // namespace sluice::local_engine
