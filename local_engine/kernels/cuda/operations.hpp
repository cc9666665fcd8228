// What the device computes, one plain structure per kernel. All pointers are to the device's memory; n is the tokens of
// the batch. Read by nvcc and by the host's compiler alike: nothing here but numbers and pointers.
#pragma once

#include "local_engine/kernels/batch.hpp"
#include "local_engine/kernels/operands.hpp"

#include <cstddef>
#include <cstdint>

namespace sluice::local_engine::cuda {

inline constexpr std::int32_t kGroup = 32;              // values that share one scale when quantised
inline constexpr std::int32_t kWarp = 32;               // threads that step together
inline constexpr std::int32_t kChunkTokens = 512;       // positions whose attention is summed up on its own, in any batch
inline constexpr std::int32_t kMostValues = 512;        // of one head's result
inline constexpr std::size_t kSharedLimit = 96 * 1024;  // bytes a block may ask for on every card we build for

// Attention::values_per_head() for kernels.
constexpr std::int32_t values_of(const Attention& a) {
    return a.value_size > 0 ? a.value_size : a.head_size;
}

// The step's batch, see Batch.
struct Tokens {
    const std::int32_t* tokens = nullptr;
    const std::int32_t* positions = nullptr;
    const std::int32_t* sequences = nullptr;
    const std::int32_t* pages = nullptr;
    std::int32_t pages_per_sequence = 0;
    std::int32_t count = 0;
};

// Rows of 8-bit activations: value = scale * quantum, one scale per kGroup values. Rows are `width` values apart.
struct Quantised {
    std::int8_t* values = nullptr;  // (rows, width)
    float* scales = nullptr;        // (rows, width / kGroup)
    std::int32_t* sums = nullptr;   // (rows, width / kGroup, 2) of the quanta of each half
};

struct Embed {
    Tokens batch;
    Matrix table;
    float* out = nullptr;  // (n, table.cols)
    float factor = 1.0F;
};

struct Norm {
    const float* x = nullptr;            // (.., width)
    const float* weight = nullptr;       // (width)
    float* out = nullptr;                // (rows, width); may be x
    const std::int32_t* from = nullptr;  // (rows) which rows of x; null: all in order
    std::int64_t rows = 0, width = 0;
    float epsilon = 0.0F;
    Store store = Store::Overwrite;
};

struct Quantise {
    const float* x = nullptr;  // (rows, width), width a multiple of kGroup
    Quantised out;
    std::int64_t rows = 0, width = 0;
};

// out[c * out_stride + r] (+)= weight[first + slab(c) * stride + r] · input(c) * factors[c] + bias[slab(c) * rows + r]
struct Product {
    Matrix weight;
    std::int64_t rows = 0;                // of one slab
    std::int64_t first = 0, stride = 0;   // row of slab 0, rows from slab to slab
    const std::int32_t* slabs = nullptr;  // (columns) slab of each column, or
    std::int32_t slab_cycle = 1;          // column c has slab c % slab_cycle
    std::int64_t columns = 0;
    std::int32_t columns_per_input = 1;  // input(c) is row c / columns_per_input
    const float* x = nullptr;            // rows x_stride apart; null: the quantised form
    std::int64_t x_stride = 0;
    Quantised quantised;
    float* out = nullptr;
    std::int64_t out_stride = 0;
    Store store = Store::Overwrite;
    const float* bias = nullptr;
    const float* factors = nullptr;
};

struct Activate {
    const float* gate = nullptr;
    const float* up = nullptr;
    float* out = nullptr;  // may be gate
    std::int64_t count = 0;
    Activation activation = Activation::Swiglu;
};

struct Rotate {
    Tokens batch;
    float* q = nullptr;
    float* k = nullptr;
    const float* v = nullptr;
    Attention attention;
    KvLayer cache;
};

// Everything of absorb_and_store but the products.
struct RotateLatent {
    Tokens batch;
    float* out = nullptr;      // (n, heads, latent + rope_size): its rotated part is written
    const float* q = nullptr;  // (n, heads, nope_size + rope_size)
    float* row = nullptr;      // (n, latent + rope_size)
    LatentAttention latent;
    KvLayer cache;
};

// out (columns, latent) from q and the rows of an expansion that is not transposed; column c is head c % heads.
struct AbsorbRows {
    float* out = nullptr;
    const float* q = nullptr;
    LatentAttention latent;
    std::int64_t columns = 0;
};

struct Attend {
    Tokens batch;
    const float* q = nullptr;  // (n, heads, head_size)
    float* out = nullptr;      // (n, heads, values)
    Attention attention;
    KvLayer cache;
    // Parts of long sequences computed side by side, merged afterwards; null: one after the other.
    float* parts = nullptr;    // (n, heads, chunks, values + 2): sums, highest score, total
    std::int32_t chunks = 0;   // the most that a token of this batch sees
};

struct Choose {
    const float* logits = nullptr;  // (n, experts), the router's bias included
    std::int32_t* ids = nullptr;    // (n, used)
    float* weights = nullptr;       // (n, used)
    std::int64_t rows = 0;
    std::int32_t experts = 0, used = 0;
    Router router;
};

// inout[row] += sum over slots of weights[row, slot] * x[row * used + slot]
struct Combine {
    float* inout = nullptr;          // (rows, width)
    const float* x = nullptr;        // (rows * used, width)
    const float* weights = nullptr;  // (rows, used); null: one
    std::int64_t rows = 0, width = 0;
    std::int32_t used = 0;
};

}  // namespace sluice::local_engine::cuda
