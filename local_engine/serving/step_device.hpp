// What computes a step: the model, or a test's stand-in. Engine thread only.
#pragma once

#include "core/result.hpp"
#include "local_engine/kernels/batch.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace sluice::local_engine {

class StepDevice {
public:
    StepDevice() = default;
    StepDevice(const StepDevice&) = delete;
    StepDevice& operator=(const StepDevice&) = delete;
    virtual ~StepDevice() = default;

    virtual std::int64_t vocabulary() const = 0;  // columns of the logits
    virtual std::int64_t width() const = 0;       // of a hidden state
    // logits: (batch.logit_rows, vocabulary). hidden: (batch.tokens, width) after the last norm, or empty when nobody
    // wants them. Throws when it cannot: the requests of this step fail, the others go on unless failure() says why not.
    virtual void run(const Batch& batch, std::span<float> logits, std::span<float> hidden) = 0;

    // Why nothing can be computed any more; empty: it can.
    virtual std::string failure() const { return {}; }
    // Everything anew, weights too; keys and values are gone. Blocking. After an error failure() is not empty.
    virtual core::Result<void> restart() { return {}; }
};

}  // namespace sluice::local_engine
