// What the card itself can do, measured in the same run: what everything else is a percentage of.
#pragma once

#include "core/result.hpp"

namespace sluice::local_engine::bench {

// Zero: not measured.
struct Ceilings {
    double copy_gb = 0;    // GB/s of memory, read and written bytes together
    double read_gb = 0;    // read only
    double dp4a_tops = 0;  // 8-bit products of plain instructions, as today's kernels use them; 2 operations each
    double int8_tops = 0;  // of tensor cores by mma.sync, which on sm_90 is not all they can do
    double bf16_tflops = 0;
};

core::Result<Ceilings> measure_ceilings(int card);

}  // namespace sluice::local_engine::bench
