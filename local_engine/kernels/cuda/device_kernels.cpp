#include "local_engine/kernels/cuda/device_kernels.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace sluice::local_engine::cuda {
namespace {

// Parts of split attention may take this much; beyond it a block computes all chunks of its head.
constexpr std::size_t kMostPartBytes = std::size_t{64} << 20U;

bool known_type(TensorType type) {
    switch (type) {
        case TensorType::F32:
        case TensorType::F16:
        case TensorType::BF16:
        case TensorType::Q4_0:
        case TensorType::Q4_1:
        case TensorType::Q5_0:
        case TensorType::Q5_1:
        case TensorType::Q8_0:
        case TensorType::Q2_K:
        case TensorType::Q3_K:
        case TensorType::Q4_K:
        case TensorType::Q5_K:
        case TensorType::Q6_K:
        case TensorType::IQ4_NL:
        case TensorType::IQ4_XS:
        case TensorType::MXFP4: return true;
        default: return false;
    }
}

bool is_quantised(TensorType type) {
    return type != TensorType::F32 && type != TensorType::F16 && type != TensorType::BF16;
}

}  // namespace

DeviceKernels::DeviceKernels(std::unique_ptr<Device> device, Activations activations)
    : device_(std::move(device)), activations_(activations) {}

DeviceKernels::~DeviceKernels() {
    for (std::byte* memory : memory_) device_->release(memory);
    for (const Scratch* scratch : {&batch_memory_, &quanta_, &scales_, &sums_, &gate_, &up_, &expert_out_, &ids_, &weights_,
                                   &router_, &normed_, &parts_}) {
        if (scratch->memory != nullptr) device_->release(scratch->memory);
    }
}

void DeviceKernels::fail(std::string what) {
    if (failure_.empty()) failure_ = std::move(what);
}

void DeviceKernels::throw_on_failure() const {
    if (const std::string why = failure(); !why.empty()) throw std::runtime_error("the GPU failed: " + why);
}

std::byte* DeviceKernels::allocate(std::size_t bytes) {
    std::byte* memory = device_->allocate(std::max<std::size_t>(bytes, 1));
    if (memory != nullptr) memory_.push_back(memory);
    return memory;
}

Matrix DeviceKernels::place(const Matrix& weight) {
    Matrix placed = weight;
    if (!known_type(weight.type)) fail("it has no kernels for tensors of type " + std::string(traits(weight.type)->name));
    const std::size_t bytes = static_cast<std::size_t>(weight.rows) * weight.row_bytes;
    std::byte* memory = allocate(bytes);
    if (memory == nullptr) fail("no memory for " + std::to_string(bytes) + " bytes of weights");
    else device_->upload(memory, weight.data, bytes);
    placed.data = memory;
    return placed;
}

// Calls after a lack of memory get none either: nothing is computed until the failure is reported.
std::byte* DeviceKernels::grown(Scratch& scratch, std::size_t bytes) {
    if (scratch.bytes >= bytes && scratch.memory != nullptr) return scratch.memory;
    if (scratch.memory != nullptr) device_->release(scratch.memory);
    scratch.memory = device_->allocate(std::max<std::size_t>(bytes, 1));
    scratch.bytes = scratch.memory != nullptr ? bytes : 0;
    if (scratch.memory == nullptr) fail("no memory for " + std::to_string(bytes) + " bytes of scratch");
    return scratch.memory;
}

float* DeviceKernels::floats(Scratch& scratch, std::int64_t rows, std::int64_t width) {
    return reinterpret_cast<float*>(grown(scratch, static_cast<std::size_t>(rows * width) * sizeof(float)));
}

void DeviceKernels::read(std::span<float> out, const float* device) {
    throw_on_failure();
    device_->download(out.data(), device, out.size_bytes());
    throw_on_failure();
}

void DeviceKernels::finish() {
    device_->finish();
    throw_on_failure();
}

void DeviceKernels::begin(const Batch& batch) {
    batch_.assign(batch);
    numbers_.clear();
    std::vector<std::size_t> starts;
    for (const auto& part : {batch.tokens, batch.positions, batch.sequences, batch.pages, batch.logit_rows}) {
        starts.push_back(numbers_.size());
        numbers_.insert(numbers_.end(), part.begin(), part.end());
    }
    const std::size_t bytes = numbers_.size() * sizeof(std::int32_t);
    const auto* start = reinterpret_cast<const std::int32_t*>(grown(batch_memory_, bytes));
    if (start == nullptr) return;
    device_->upload(batch_memory_.memory, numbers_.data(), bytes);
    tokens_ = {start + starts[0], start + starts[1], start + starts[2], start + starts[3], batch.pages_per_sequence,
               static_cast<std::int32_t>(batch.tokens.size())};
    logit_rows_ = start + starts[4];
}

void DeviceKernels::embed(float* out, const Matrix& table, float factor) {
    if (!failure_.empty()) return;
    device_->embed({tokens_, table, out, factor});
}

void DeviceKernels::rms_norm(float* out, const float* x, const float* weight, std::int64_t width, float epsilon) {
    if (!failure_.empty()) return;
    device_->norm({.x = x, .weight = weight, .out = out, .rows = count(), .width = width, .epsilon = epsilon});
}

void DeviceKernels::add_rms_norm(float* inout, const float* x, const float* weight, std::int64_t width, float epsilon) {
    if (!failure_.empty()) return;
    device_->norm({.x = x,
                   .weight = weight,
                   .out = inout,
                   .rows = count(),
                   .width = width,
                   .epsilon = epsilon,
                   .store = Store::Add});
}

bool DeviceKernels::wants_quantised(const Matrix& weight) const {
    return activations_ == Activations::Q8 && is_quantised(weight.type) && !weight.exact;
}

// Quantises x for the first product that wants it so; one Rows is in use at a time.
void DeviceKernels::multiply(Product product, Rows& x) {
    const bool quantised = wants_quantised(product.weight);
    if (quantised && !x.quantised) {
        const std::int64_t groups = x.width / kGroup;
        grown(quanta_, static_cast<std::size_t>(x.rows * x.width));
        floats(scales_, x.rows, groups);
        floats(sums_, x.rows, 2 * groups);
    }
    if (!failure_.empty()) return;
    if (quantised) {
        product.quantised = {reinterpret_cast<std::int8_t*>(quanta_.memory), reinterpret_cast<float*>(scales_.memory),
                             reinterpret_cast<std::int32_t*>(sums_.memory)};
        if (!x.quantised) device_->quantise({x.floats, product.quantised, x.rows, x.width});
        x.quantised = true;
    } else {
        product.x = x.floats;
        product.x_stride = x.width;
    }
    device_->product(product);
}

void DeviceKernels::matmul(std::span<const Projection> projections, const float* x) {
    Rows rows{x, count(), projections.empty() ? 0 : projections.front().weight.cols};
    for (const auto& [weight, out, how, bias] : projections) {
        multiply({.weight = weight,
                  .rows = weight.rows,
                  .columns = count(),
                  .out = out,
                  .out_stride = weight.rows,
                  .store = how,
                  .bias = bias},
                 rows);
    }
}

// Kernels take every cache that is not of floats for one of halves.
void DeviceKernels::require_known(const KvLayer& cache) {
    if (cache.type != KvType::F16 && cache.type != KvType::F32) fail("it has no kernels for this type of key/value cache");
}

void DeviceKernels::rotate_and_store(float* q, float* k, const float* v, const Attention& attention, const KvLayer& cache) {
    require_known(cache);
    if (!failure_.empty()) return;
    device_->rotate({tokens_, q, k, v, attention, cache});
}

void DeviceKernels::absorb_and_store(float* out, const float* q, float* row, const LatentAttention& latent,
                                     const KvLayer& cache) {
    require_known(cache);
    if (!failure_.empty()) return;
    const Attention& a = latent.attention;
    device_->rotate_latent({tokens_, out, q, row, latent, cache});
    if (latent.keys == LatentAttention::Keys::Rows) {
        device_->absorb_rows({out, q, latent, count() * a.heads});
        return;
    }
    device_->product({.weight = latent.key,
                      .rows = latent.latent,
                      .first = latent.key_first,
                      .stride = latent.key_stride,
                      .slab_cycle = a.heads,
                      .columns = count() * a.heads,
                      .x = q,
                      .x_stride = latent.nope_size + latent.rope_size,
                      .out = out,
                      .out_stride = a.head_size});
}

void DeviceKernels::attend(float* out, const float* q, const Attention& attention, const KvLayer& cache) {
    require_known(cache);
    Attend op{.batch = tokens_, .q = q, .out = out, .attention = attention, .cache = cache};
    for (std::int64_t row = 0; row < count(); ++row) {
        const std::int64_t last = batch_.position(row);
        const std::int64_t chunks = last / kChunkTokens - attention.mask.first_seen(last) / kChunkTokens + 1;
        op.chunks = std::max(op.chunks, static_cast<std::int32_t>(chunks));
    }
    const std::int64_t rows = count() * attention.heads * op.chunks;
    const std::int64_t width = attention.values_per_head() + 2;
    if (op.chunks > 1 && static_cast<std::size_t>(rows * width) * sizeof(float) <= kMostPartBytes) {
        op.parts = floats(parts_, rows, width);
    }
    if (!failure_.empty()) return;
    device_->attend(op);
}

void DeviceKernels::expand_values(float* out, const float* mixed, const LatentAttention& latent) {
    if (!failure_.empty()) return;
    device_->product({.weight = latent.value,
                      .rows = latent.value_size,
                      .first = latent.value_first,
                      .stride = latent.value_stride,
                      .slab_cycle = latent.attention.heads,
                      .columns = count() * latent.attention.heads,
                      .x = mixed,
                      .x_stride = latent.latent,
                      .out = out,
                      .out_stride = latent.value_size});
}

// activation(gate · x, up · x), a row per column of the products
DeviceKernels::Rows DeviceKernels::hidden_rows(const Product& gate, const Product& up, Activation activation, Rows& x) {
    Product first = gate;
    Product second = up;
    first.out = floats(gate_, gate.columns, gate.rows);
    second.out = floats(up_, up.columns, up.rows);
    first.out_stride = second.out_stride = gate.rows;
    multiply(first, x);
    multiply(second, x);
    if (failure_.empty()) device_->activate({first.out, second.out, first.out, gate.columns * gate.rows, activation});
    return {first.out, gate.columns, gate.rows};
}

void DeviceKernels::dense_ffn(float* out, const DenseFfn& ffn, const float* x, Store store) {
    Rows rows{x, count(), ffn.gate.cols};
    Rows hidden = hidden_rows({.weight = ffn.gate, .rows = ffn.gate.rows, .columns = count()},
                              {.weight = ffn.up, .rows = ffn.up.rows, .columns = count()}, ffn.activation, rows);
    multiply({.weight = ffn.down,
              .rows = ffn.down.rows,
              .columns = count(),
              .out = out,
              .out_stride = ffn.down.rows,
              .store = store},
             hidden);
}

void DeviceKernels::route(std::int32_t* ids, float* weights, const MoeFfn& ffn, const float* x) {
    float* logits = floats(router_, count(), ffn.experts);
    if (!failure_.empty()) return;
    device_->product({.weight = ffn.router.weight,
                      .rows = ffn.experts,
                      .columns = count(),
                      .x = x,
                      .x_stride = ffn.router.weight.cols,
                      .out = logits,
                      .out_stride = ffn.experts,
                      .bias = ffn.router.bias});
    device_->choose({logits, ids, weights, count(), ffn.experts, ffn.used, ffn.router});
}

void DeviceKernels::moe_ffn(float* inout, const MoeFfn& ffn, const float* x) {
    const std::int64_t width = ffn.router.weight.cols;
    const std::int64_t columns = count() * ffn.used;
    auto* ids = reinterpret_cast<std::int32_t*>(floats(ids_, columns, 1));
    float* weights = floats(weights_, columns, 1);
    route(ids, weights, ffn, x);
    Rows rows{x, count(), width};
    Product gate{.weight = ffn.gate,
                 .rows = ffn.ffn,
                 .stride = ffn.ffn,
                 .slabs = ids,
                 .columns = columns,
                 .columns_per_input = ffn.used,
                 .bias = ffn.gate_bias,
                 .factors = ffn.weigh_input ? weights : nullptr};
    Product up = gate;
    up.weight = ffn.up;
    up.bias = ffn.up_bias;
    Rows hidden = hidden_rows(gate, up, ffn.activation, rows);
    float* results = floats(expert_out_, columns, width);
    multiply({.weight = ffn.down,
              .rows = width,
              .stride = width,
              .slabs = ids,
              .columns = columns,
              .out = results,
              .out_stride = width,
              .bias = ffn.down_bias},
             hidden);
    if (!failure_.empty()) return;
    device_->combine({inout, results, ffn.weigh_input ? nullptr : weights, count(), width, ffn.used});
    if (ffn.shared.down) dense_ffn(inout, ffn.shared, x, Store::Add);
}

void DeviceKernels::logits(float* out, const Matrix& head, const float* x, const float* norm, float epsilon) {
    const auto wanted = static_cast<std::int64_t>(batch_.logit_rows.size());
    float* normed = floats(normed_, wanted, head.cols);
    if (!failure_.empty()) return;
    device_->norm({.x = x,
                   .weight = norm,
                   .out = normed,
                   .from = logit_rows_,
                   .rows = wanted,
                   .width = head.cols,
                   .epsilon = epsilon});
    Rows rows{normed, wanted, head.cols};
    multiply({.weight = head, .rows = head.rows, .columns = wanted, .out = out, .out_stride = head.rows}, rows);
}

}  // namespace sluice::local_engine::cuda
