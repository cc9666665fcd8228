// A model ready to compute: the mapped file, what it is, the kernels it runs on, and the forward pass over them.
#pragma once

#include "core/result.hpp"
#include "local_engine/gguf/reader.hpp"
#include "local_engine/kernels/kernels.hpp"
#include "local_engine/model/forward.hpp"
#include "local_engine/model/layer_plan.hpp"
#include "local_engine/model/read_ahead.hpp"
#include "local_engine/model/weights.hpp"

#include <memory>

namespace sluice::local_engine {

// Parts refer to each other: built in order of declaration, destroyed in reverse, never moved.
struct Model {
    std::unique_ptr<gguf::Reader> file;
    ModelPlan plan;
    std::unique_ptr<Kernels> kernels;
    Weights weights;
    std::unique_ptr<Forward> forward;
};

// Blocking. Unavailable, with the numbers, when memory does not suffice. `limits.pages` decides how much memory the
// cache takes. Errors of read_ahead() too.
core::Result<std::unique_ptr<Model>> build_model(std::unique_ptr<gguf::Reader> file, ModelPlan plan,
                                                 std::unique_ptr<Kernels> kernels, const ForwardLimits& limits,
                                                 const LoadProgress& progress = {});

// The second half of it: weights and memory on these kernels. A model that has lost its device gets others this way,
// after drop_kernels(). After an error it has no `forward`.
core::Result<void> equip(Model& model, std::unique_ptr<Kernels> kernels, const ForwardLimits& limits, const LoadProgress& progress = {});
void drop_kernels(Model& model);

}  // namespace sluice::local_engine
