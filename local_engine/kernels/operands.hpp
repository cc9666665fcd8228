// What the operations of Kernels work on: weights, attention and feed-forward layers, as plain descriptions. Pointers
// are to memory the kernels read (see Kernels::allocate and place); shapes stand beside them, n is the tokens of the
// batch.
#pragma once

#include "local_engine/gguf/tensor_type.hpp"
#include "local_engine/options.hpp"

#include <cstddef>
#include <cstdint>

namespace sluice::local_engine {

// A weight as it lies in the file: `rows` rows (outputs) of `cols` values (inputs) each, `row_bytes` apart.
struct Matrix {
    const std::byte* data = nullptr;
    TensorType type = TensorType::F32;
    std::int64_t rows = 0;
    std::int64_t cols = 0;
    std::size_t row_bytes = 0;
    bool exact = false;  // always multiplied by float activations

    explicit operator bool() const { return data != nullptr; }
    const std::byte* row(std::int64_t index) const { return data + static_cast<std::size_t>(index) * row_bytes; }
};

enum class Store { Overwrite, Add };

// out = weight · x + bias, or out += weight · x + bias
struct Projection {
    Matrix weight;
    float* out = nullptr;  // (n, weight.rows)
    Store store = Store::Overwrite;
    const float* bias = nullptr;  // (weight.rows), or none
};

// Rotary embedding of the first 2 * pairs values of a head; none when pairs is 0. The angle of pair i is
// position * step^i / divisors[i] * factors[i], in float and step by step, as the implementations that models were made
// with compute it: at long contexts the rounding of the angle is what a model has seen.
struct Rope {
    enum class Pairs { Neighbours, Halves };  // (2i, 2i+1), or (i, i + pairs)
    Pairs kind = Pairs::Neighbours;
    float step = 1.0F;
    const float* divisors = nullptr;  // (pairs) of the file
    const float* factors = nullptr;   // (pairs) scaling to long contexts
    std::int32_t pairs = 0;
    float magnitude = 1.0F;  // YaRN: factor of sine and cosine
};

// Which earlier positions a token sees.
struct Mask {
    enum class Kind { Causal, Window, Chunk };  // all; the last `size`, its own included; those of its chunk of `size`
    Kind kind = Kind::Causal;
    std::int32_t size = 0;  // at least 1 unless Causal

    constexpr std::int64_t first_seen(std::int64_t position) const {
        if (kind == Kind::Window) return position < size ? 0 : position - size + 1;
        if (kind == Kind::Chunk) return position - position % size;
        return 0;
    }
};

// Keys and values of one layer: page-major, then head, then token, then value.
struct KvLayer {
    std::byte* keys = nullptr;    // (pages, kv_heads, kPageTokens, head_size)
    std::byte* values = nullptr;  // (pages, kv_heads, kPageTokens, value_size); null: the first value_size of each key
    KvType type = KvType::F16;
};

// Grouped-query attention of one layer: query head h reads key/value head h / (heads / kv_heads).
struct Attention {
    std::int32_t heads = 0;
    std::int32_t kv_heads = 0;
    std::int32_t head_size = 0;   // of queries and keys
    std::int32_t value_size = 0;  // of values; 0: head_size
    float scale = 0.0F;           // of the scores
    float norm_epsilon = 0.0F;
    const float* q_norm = nullptr;  // (head_size) RMS norm per head before rotation; null: none
    const float* k_norm = nullptr;
    bool norm_after_rotation = false;  // RMS norm per head without weights, after rotation
    Rope rope = {};
    Mask mask = {};
    const float* sinks = nullptr;  // (heads) one more score per head, which only takes its share of the soft-max
    // Queries grow with position: factor 1 + temperature * ln(1 + floor((position + 1) / temperature_length)).
    float temperature = 0.0F;
    std::int32_t temperature_length = 1;

    std::int32_t values_per_head() const { return value_size > 0 ? value_size : head_size; }
};

// Multi-head latent attention (DeepSeek-V2, 2024): keys and values of all heads come from one row of `latent` values
// per token, which is what the cache keeps, beside one rotated key of `rope_size` that the heads share. The expansions
// are absorbed into queries and results, so that attention itself runs over the cached rows: head_size = latent +
// rope_size, value_size = latent, one key/value head.
struct LatentAttention {
    std::int32_t nope_size = 0;          // values of a query head that are not rotated
    std::int32_t rope_size = 0;          // and that are
    std::int32_t latent = 0;             // values of a compressed row
    std::int32_t value_size = 0;         // of one head's result
    const float* latent_norm = nullptr;  // (latent)
    // Per head, from latent rows to keys. Rows: (nope_size rows of latent) as computed forwards; Absorbed: the
    // transpose, (latent rows of nope_size). Head h starts at row key_first + h * key_stride.
    enum class Keys { Absorbed, Rows };
    Keys keys = Keys::Absorbed;
    Matrix key = {};
    std::int64_t key_first = 0, key_stride = 0;
    // Per head, value_size rows of latent; head h starts at row value_first + h * value_stride.
    Matrix value = {};
    std::int64_t value_first = 0, value_stride = 0;
    Attention attention = {};  // over the cached rows
};

enum class Activation {
    Swiglu,         // silu(gate) * up
    SwigluClamped,  // gpt-oss: g = min(gate, 7), u = clamp(up, -7, 7), g * sigmoid(1.702 g) * (u + 1)
    Geglu,          // gelu(gate) * up, gelu by its tanh formula
};

struct DenseFfn {
    Matrix gate = {};  // (ffn, width)
    Matrix up = {};    // (ffn, width)
    Matrix down = {};  // (width, ffn)
    Activation activation = Activation::Swiglu;
};

// How scores become a choice of experts and their weights: p = soft-max or sigmoid of the router's logits, the best
// `used` of p + selection_bias (of the best groups only), weights from p of the chosen.
struct Router {
    enum class Gating { Softmax, Sigmoid, SoftmaxOfChosen };
    Matrix weight = {};                     // (experts, width)
    const float* bias = nullptr;            // (experts) of the logits
    const float* selection_bias = nullptr;  // (experts) for choosing only
    Gating gating = Gating::Softmax;
    std::int32_t groups = 1;  // divides the number of experts; a group scores the sum of its best two
    std::int32_t groups_used = 1;
    bool normalise = true;  // weights of the chosen add up to one
    float scale = 1.0F;     // of the weights
};

// Experts of one layer; expert e of a Matrix is the slab of rows [e * n, (e + 1) * n).
struct MoeFfn {
    std::int32_t experts = 0;
    std::int32_t used = 0;  // best `used` per token, at most kMaxExpertsUsed
    Router router = {};
    Matrix gate = {};  // (experts * ffn, width)
    Matrix up = {};    // (experts * ffn, width)
    Matrix down = {};  // (experts * width, ffn)
    std::int64_t ffn = 0;
    const float* gate_bias = nullptr;  // (experts, ffn), or none
    const float* up_bias = nullptr;    // (experts, ffn)
    const float* down_bias = nullptr;  // (experts, width), inside the weighted sum
    Activation activation = Activation::Swiglu;
    bool weigh_input = false;  // llama4: an expert's weight multiplies its input, not its result
    DenseFfn shared = {};      // an expert that every token uses, with weight one; none when it has no data
};
inline constexpr std::int32_t kMaxExpertsUsed = 32;

}  // namespace sluice::local_engine
