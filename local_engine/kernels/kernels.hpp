// All arithmetic of a forward pass. Every call works on the whole batch given to begin(), may be queued by a device,
// and is visible to the host after finish(). Pointers to activations come from allocate(), weights went through
// place(): the caller never reads them in between, so nothing here assumes that host and device share memory.
//
// reference/ is short and slow and defines the meaning; every other backend must agree with it (tests/kernels/).
// One thread calls an object; a backend may use threads of its own. Calls do not fail: shapes were checked at load.
#pragma once

#include "local_engine/kernels/batch.hpp"
#include "local_engine/kernels/operands.hpp"
#include "local_engine/options.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace sluice::local_engine {

class Kernels {
public:
    Kernels() = default;
    Kernels(const Kernels&) = delete;
    Kernels& operator=(const Kernels&) = delete;
    virtual ~Kernels() = default;

    virtual std::string name() const = 0;  // "cpu avx512-vnni, 2 threads"
    // What went wrong on a device for good: lack of memory, a fault. Empty: nothing. read() and finish() throw then.
    virtual std::string failure() const { return {}; }
    // Bytes that allocate() and place() can still take of memory that is not the host's; 0: it is the host's.
    virtual std::uint64_t own_memory() const { return 0; }

    // Zeroed memory the kernels compute in; lives as long as the object. Null when there is not enough.
    virtual std::byte* allocate(std::size_t bytes) = 0;
    // The weight where the kernels read it. Host backends return it as it is, so `weight.data` must outlive the object.
    virtual Matrix place(const Matrix& weight) = 0;
    // A host copy of `count` floats at `device`, after everything queued. The only way results come back.
    virtual void read(std::span<float> out, const float* device) = 0;

    // Starts a step: copies the batch.
    virtual void begin(const Batch& batch) = 0;

    // out[i] = factor * table[tokens[i]]; out (n, table.cols)
    virtual void embed(float* out, const Matrix& table, float factor) = 0;
    // out = x / sqrt(mean(x²) + epsilon) * weight; x, out (n, width), weight (width)
    virtual void rms_norm(float* out, const float* x, const float* weight, std::int64_t width, float epsilon) = 0;
    // inout += rms_norm(x); shapes as above
    virtual void add_rms_norm(float* inout, const float* x, const float* weight, std::int64_t width, float epsilon) = 0;
    // Each projection of the same x (n, cols): query, key and value in one call.
    virtual void matmul(std::span<const Projection> projections, const float* x) = 0;
    // Norm per head (if any), rotation and temperature of q and k, then k and v into the cache at their positions.
    // q (n, heads * head_size) in place; k, v (n, kv_heads * head_size), k is overwritten.
    virtual void rotate_and_store(float* q, float* k, const float* v, const Attention& attention,
                                  const KvLayer& cache) = 0;
    // The same for latent attention: out (n, heads * (latent + rope_size)) are queries with the key expansion absorbed,
    // from q (n, heads * (nope_size + rope_size)); row (n, latent + rope_size) is normed, rotated and cached.
    virtual void absorb_and_store(float* out, const float* q, float* row, const LatentAttention& attention,
                                  const KvLayer& cache) = 0;
    // Attention of every token over the cached positions of its sequence that it may see, up to its own.
    // q (n, heads * head_size), out (n, heads * values_per_head()).
    virtual void attend(float* out, const float* q, const Attention& attention, const KvLayer& cache) = 0;
    // Results of latent attention over cached rows, mixed (n, heads * latent), to values: out (n, heads * value_size).
    virtual void expand_values(float* out, const float* mixed, const LatentAttention& attention) = 0;
    // out (+)= down · activation(gate · x, up · x); x, out (n, width)
    virtual void dense_ffn(float* out, const DenseFfn& ffn, const float* x, Store store) = 0;
    // ids (n, used), weights (n, used): best `used` first, ties to the lower index. See Router.
    virtual void route(std::int32_t* ids, float* weights, const MoeFfn& ffn, const float* x) = 0;
    // inout += sum over the chosen experts of weight * (down · activation(gate · x, up · x)), + the shared expert
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
