#include "local_engine/model/model.hpp"

#include "local_engine/model/memory_plan.hpp"

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::local_engine {
namespace {

// Reads all tensors from the disk, a few at a time: one reader alone leaves most disks waiting.
core::Result<void> read_ahead(const gguf::Reader& file) {
    const auto tensors = file.tensors();
    const unsigned count = std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
    std::atomic<std::size_t> next{0};
    std::vector<std::optional<core::Error>> errors(count);
    std::vector<std::thread> threads;
    for (std::optional<core::Error>& error : errors) {
        threads.emplace_back([&tensors, &file, &next, &error] {
            for (std::size_t i = next++; i < tensors.size() && !error; i = next++) {
                if (auto read = file.populate({tensors[i].data, tensors[i].bytes}); !read) error = read.error();
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& error : errors) {
        if (error) return *error;
    }
    return {};
}

}  // namespace

core::Result<std::unique_ptr<Model>> build_model(std::unique_ptr<gguf::Reader> file, ModelPlan plan,
                                                 std::unique_ptr<Kernels> kernels, const ForwardLimits& limits) {
    auto model = std::make_unique<Model>();
    model->file = std::move(file);
    model->plan = std::move(plan);
    if (auto equipped = equip(*model, std::move(kernels), limits); !equipped) return equipped.error();
    return model;
}

core::Result<void> equip(Model& model, std::unique_ptr<Kernels> kernels, const ForwardLimits& limits) {
    const std::uint64_t own = kernels->own_memory();
    if (auto fits = check_memory(plan_memory(*model.file, model.plan, limits), own > 0 ? own : available_memory()); !fits) return fits.error();
    model.kernels = std::move(kernels);
    auto weights = load_weights(*model.file, model.plan, *model.kernels);
    if (!weights) return weights.error();
    model.weights = std::move(*weights);
    if (auto read = read_ahead(*model.file); !read) return read.error();
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
