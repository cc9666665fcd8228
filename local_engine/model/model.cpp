#include "local_engine/model/model.hpp"

#include "local_engine/model/memory_plan.hpp"

#include <utility>

namespace sluice::local_engine {

core::Result<std::unique_ptr<Model>> build_model(std::unique_ptr<gguf::Reader> file, ModelPlan plan,
                                                 std::unique_ptr<Kernels> kernels, const ForwardLimits& limits) {
    if (auto fits = check_memory(plan_memory(*file, plan, limits), available_memory()); !fits) return fits.error();
    auto model = std::make_unique<Model>();
    model->file = std::move(file);
    model->plan = std::move(plan);
    model->kernels = std::move(kernels);
    auto weights = load_weights(*model->file, model->plan, *model->kernels);
    if (!weights) return weights.error();
    model->weights = std::move(*weights);
    auto forward = Forward::create(model->plan, model->weights, *model->kernels, limits);
    if (!forward) return forward.error();
    model->forward = std::move(*forward);
    return model;
}

}  // namespace sluice::local_engine
