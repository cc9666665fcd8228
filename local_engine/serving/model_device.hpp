// A loaded model as what computes a step.
#pragma once

#include "local_engine/model/model.hpp"
#include "local_engine/serving/step_device.hpp"

namespace sluice::local_engine {

class ModelDevice final : public StepDevice {
public:
    explicit ModelDevice(Model& model) : model_(model) {}
    std::int64_t vocabulary() const override { return model_.plan.vocabulary; }
    std::int64_t width() const override { return model_.plan.width; }
    void run(const Batch& batch, std::span<float> logits, std::span<float> hidden) override {
        model_.forward->run(batch, logits, hidden);
    }

private:
    Model& model_;
};

}  // namespace sluice::local_engine
