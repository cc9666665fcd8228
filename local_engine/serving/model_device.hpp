// A loaded model as what computes a step.
#pragma once

#include "local_engine/model/model.hpp"
#include "local_engine/serving/step_device.hpp"

#include <functional>
#include <utility>

namespace sluice::local_engine {

class ModelDevice final : public StepDevice {
public:
    using Opener = std::function<core::Result<std::unique_ptr<Kernels>>()>;
    // `open` makes the kernels that restart() loads the weights onto.
    ModelDevice(Model& model, const ForwardLimits& limits, Opener open)
        : model_(model), limits_(limits), open_(std::move(open)) {}
    std::int64_t vocabulary() const override { return model_.plan.vocabulary; }
    std::int64_t width() const override { return model_.plan.width; }
    void run(const Batch& batch, std::span<float> logits, std::span<float> hidden) override {
        model_.forward->run(batch, logits, hidden);
    }
    std::string failure() const override {
        if (!model_.forward) return "it could not be started again";
        return model_.kernels->failure();
    }
    core::Result<void> restart() override {
        drop_kernels(model_);  // first: what the old ones hold is what the new ones need
        auto kernels = open_();
        if (!kernels) return kernels.error();
        return equip(model_, std::move(*kernels), limits_);
    }

private:
    Model& model_;
    const ForwardLimits limits_;
    const Opener open_;
};

}  // namespace sluice::local_engine
