// All arithmetic of a forward pass. Every call works on the whole batch given to begin(), may be queued by a device,
// and is visible to the host after finish(). Pointers to activations come from allocate(), weights went through
// place(): the caller never reads them in between, so nothing here assumes that host and device share memory.
//
// reference/ is short and slow and defines the meaning; every other backend must agree with it (tests/kernels/).
// One thread calls an object; a backend may use threads of its own. Calls do not fail: shapes were checked at load.
#pragma once

#include "local_engine/gguf/tensor_type.hpp"
#include "local_engine/kernels/batch.hpp"
#include "local_engine/options.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace sluice::local_engine {

// A weight as it lies in the file: `rows` rows (outputs) of `cols` values (inputs) each, `row_bytes` apart.
struct Matrix {
    const std::byte* data = nullptr;
    TensorType type = TensorType::F32;
    std::int64_t rows = 0;
    std::int64_t cols = 0;
    std::size_t row_bytes = 0;

    explicit operator bool() const { return data != nullptr; }
    const std::byte* row(std::int64_t index) const { return data + static_cast<std::size_t>(index) * row_bytes; }
};

enum class Store { Overwrite, Add };

// out = weight · x, or out += weight · x
struct Projection {
    Matrix weight;
    float* out = nullptr;  // (n, weight.rows)
    Store store = Store::Overwrite;
};

// Rotary embedding of the first 2 * pairs values of a head. Angle of pair i: position * frequencies[i].
struct Rope {
    enum class Pairs { Neighbours, Halves };  // (2i, 2i+1), or (i, i + pairs)
    Pairs kind = Pairs::Neighbours;
    const float* frequencies = nullptr;  // (pairs), scaling of long contexts included
    std::int32_t pairs = 0;
    float magnitude = 1.0F;  // YaRN: factor of sine and cosine
};

// Keys and values of one layer: page-major, then head, then token, then value.
struct KvLayer {
    std::byte* keys = nullptr;    // (pages, kv_heads, kPageTokens, head_size)
    std::byte* values = nullptr;  // same
    KvType type = KvType::F16;
};

// Grouped-query attention of one layer: query head h reads key/value head h / (heads / kv_heads).
struct Attention {
    std::int32_t heads = 0;
    std::int32_t kv_heads = 0;
    std::int32_t head_size = 0;
    float scale = 0.0F;  // of the scores
    float norm_epsilon = 0.0F;
    const float* q_norm = nullptr;  // (head_size) RMS norm per head before rotation; null: none
    const float* k_norm = nullptr;
    Rope rope = {};
};

struct DenseFfn {
    Matrix gate = {};  // (ffn, width)
    Matrix up = {};    // (ffn, width)
    Matrix down = {};  // (width, ffn)
};

// Experts of one layer; expert e of a Matrix is the slab of rows [e * n, (e + 1) * n).
struct MoeFfn {
    std::int32_t experts = 0;
    std::int32_t used = 0;  // best `used` per token, at most kMaxExpertsUsed
    bool normalise = true;  // weights of the chosen add up to one
    float weight_scale = 1.0F;
    Matrix router = {};  // (experts, width)
    Matrix gate = {};    // (experts * ffn, width)
    Matrix up = {};      // (experts * ffn, width)
    Matrix down = {};    // (experts * width, ffn)
    std::int64_t ffn = 0;
};
inline constexpr std::int32_t kMaxExpertsUsed = 32;

class Kernels {
public:
    Kernels() = default;
    Kernels(const Kernels&) = delete;
    Kernels& operator=(const Kernels&) = delete;
    virtual ~Kernels() = default;

    virtual std::string name() const = 0;  // "cpu avx512-vnni, 2 threads"

    // Zeroed memory the kernels compute in; lives as long as the object. Null when there is not enough.
    virtual std::byte* allocate(std::size_t bytes) = 0;
    // The weight where the kernels read it. Host backends return it as it is, so `weight.data` must outlive the object.
    virtual Matrix place(const Matrix& weight) = 0;
    // A host copy of `count` floats at `device`, after everything queued. The only way results come back.
    virtual void read(std::span<float> out, const float* device) = 0;

    // Starts a step: copies the batch.
    virtual void begin(const Batch& batch) = 0;

    // out[i] = table[tokens[i]]; out (n, table.cols)
    virtual void embed(float* out, const Matrix& table) = 0;
    // out = x / sqrt(mean(x²) + epsilon) * weight; x, out (n, width), weight (width)
    virtual void rms_norm(float* out, const float* x, const float* weight, std::int64_t width, float epsilon) = 0;
    // Each projection of the same x (n, cols): query, key and value in one call.
    virtual void matmul(std::span<const Projection> projections, const float* x) = 0;
    // Norm per head (if any) and rotation of q and k, then k and v into the cache at their positions.
    // q (n, heads * head_size) in place; k, v (n, kv_heads * head_size), k is overwritten.
    virtual void rotate_and_store(float* q, float* k, const float* v, const Attention& attention,
                                  const KvLayer& cache) = 0;
    // Causal attention of every token over the cached positions of its sequence up to its own; out like q.
    virtual void attend(float* out, const float* q, const Attention& attention, const KvLayer& cache) = 0;
    // inout += down · (silu(gate · x) * (up · x)); x, inout (n, width)
    virtual void dense_ffn(float* inout, const DenseFfn& ffn, const float* x) = 0;
    // ids (n, used), weights (n, used): softmax over experts, best `used` first, ties to the lower index.
    virtual void route(std::int32_t* ids, float* weights, const MoeFfn& ffn, const float* x) = 0;
    // inout += sum over the chosen experts of weight * down · (silu(gate · x) * (up · x))
    virtual void moe_ffn(float* inout, const MoeFfn& ffn, const float* x) = 0;
    // out = head · rms_norm(x[row]) for each of the batch's logit_rows; out (logit_rows, head.rows)
    virtual void logits(float* out, const Matrix& head, const float* x, const float* norm, float epsilon) = 0;

    virtual void finish() = 0;  // everything queued is done
};

struct CpuOptions {
    int threads = 0;  // 0: one per core
    Activations activations = Activations::Q8;
    std::string instruction_set = {};  // "scalar", "avx2", "avx512-vnni"; empty: the best this machine has
};

std::unique_ptr<Kernels> make_reference_kernels();
// Null when the machine lacks the instruction set asked for.
std::unique_ptr<Kernels> make_cpu_kernels(const CpuOptions& options);

}  // namespace sluice::local_engine
