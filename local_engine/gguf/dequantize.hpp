// What the bits of a quantised tensor mean: blocks to floats, one block after the other, slow and exact.
// Fast paths in kernels/ are tested against it.
#pragma once

#include "local_engine/gguf/tensor_type.hpp"

#include <cstddef>
#include <cstdint>

namespace sluice::local_engine {

// Expands `elements` values (whole blocks) from `blocks`, which needs no alignment, into out[elements].
// False, with nothing written, for types without a float meaning (I8..I64, F64) or unknown ones, and when `elements`
// is not a multiple of the block. Any bit pattern is fine: no value of the input leads outside the two buffers.
bool dequantize(TensorType type, const std::byte* blocks, std::int64_t elements, float* out);

}  // namespace sluice::local_engine
