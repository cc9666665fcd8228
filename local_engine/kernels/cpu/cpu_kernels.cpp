#include "local_engine/kernels/cpu/cpu_kernels.hpp"

#include "local_engine/gguf/dequantize.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <thread>

namespace sluice::local_engine {
namespace cpu {

CpuKernels::CpuKernels(const Simd& simd, int threads, Activations activations)
    : simd_(simd), pool_(threads), products_(simd, pool_, activations), attention_(static_cast<std::size_t>(threads)) {}

std::string CpuKernels::name() const {
    return "cpu " + std::string(simd_.name) + ", " + std::to_string(pool_.threads()) +
           (pool_.threads() == 1 ? " thread" : " threads");
}

void CpuKernels::begin(const Batch& given) {
    HostKernels::begin(given);
    for (Rotation& rotation : rotations_) rotation.of = nullptr;
    number_rows(given.tokens.size());
    constexpr std::int64_t kTileTokens = 8;  // share each page of keys and values that is read
    tiles_.clear();
    for (std::int64_t row = 0; row < batch().size(); ++row) {
        const auto at = static_cast<std::size_t>(row);
        const bool same =
            row > 0 && batch().sequences[at] == batch().sequences[at - 1] && tiles_.back().count < kTileTokens;
        if (same) ++tiles_.back().count;
        else tiles_.push_back({row, 1});
    }
}

// identity_ holds 0 .. count - 1, and more.
void CpuKernels::number_rows(std::size_t count) {
    if (identity_.size() >= count) return;
    identity_.resize(count);
    std::iota(identity_.begin(), identity_.end(), 0);
}

void CpuKernels::embed(float* out, const Matrix& table, float factor) {
    each_row(batch().size(), table.cols, [&](std::int64_t row, int) {
        float* to = out + row * table.cols;
        dequantize(table.type, table.row(batch().tokens[static_cast<std::size_t>(row)]), table.cols, to);
        if (factor != 1.0F) simd_.scale(to, factor, table.cols);
    });
}

void CpuKernels::norm_row(float* out, const float* x, const float* weight, std::int64_t width, float epsilon) const {
    const float mean_square = simd_.dot(x, x, width) / static_cast<float>(width);
    simd_.multiply(out, x, weight, 1.0F / std::sqrt(mean_square + epsilon), width);
}

void CpuKernels::rms_norm(float* out, const float* x, const float* weight, std::int64_t width, float epsilon) {
    each_row(batch().size(), width, [&](std::int64_t row, int) {
        norm_row(out + row * width, x + row * width, weight, width, epsilon);
    });
}

void CpuKernels::add_rms_norm(float* inout, const float* x, const float* weight, std::int64_t width, float epsilon) {
    float* normed = normed_.resize(1, width);
    for (std::int64_t row = 0; row < batch().size(); ++row) {
        norm_row(normed, x + row * width, weight, width, epsilon);
        simd_.add_scaled(inout + row * width, normed, 1.0F, width);
    }
}

void CpuKernels::matmul(std::span<const Projection> projections, const float* x) {
    input_.point_to(x, batch().size(), projections.front().weight.cols);
    project(projections, input_, batch().size());
}

void CpuKernels::project(std::span<const Projection> projections, Rows& x, std::int64_t rows) {
    const auto wants = [&](const Projection& projection) { return products_.wants_quantised(projection.weight); };
    if (std::ranges::any_of(projections, wants)) x.quantise(simd_, pool_);
    for (const Projection& to_make : projections) {  // by name: clang 14 captures no structured bindings
        const Matrix& weight = to_make.weight;
        products_.for_each_tile(weight.rows, 1, [&](int thread, std::int64_t first, std::int64_t count, std::int64_t) {
            float* tile = products_.tile(thread, 0, weight, first, count, x, identity_.data(), rows);
            for (std::int64_t row = 0; row < rows; ++row, tile += kTileRows) {
                float* to = to_make.out + row * weight.rows + first;
                if (to_make.bias != nullptr) simd_.add_scaled(tile, to_make.bias + first, 1.0F, count);
                if (to_make.store == Store::Add) simd_.add_scaled(to, tile, 1.0F, count);
                else std::copy_n(tile, count, to);
            }
        });
    }
}

void CpuKernels::logits(float* out, const Matrix& head, const float* x, const float* norm, float epsilon) {
    const auto rows = static_cast<std::int64_t>(batch().logit_rows.size());
    if (rows == 0) return;
    float* normed = normed_.resize(rows, head.cols);
    for (const std::int32_t row : batch().logit_rows) {
        norm_row(normed, x + row * head.cols, norm, head.cols, epsilon);
        normed += head.cols;
    }
    project(std::array{Projection{head, out}}, normed_, rows);
}

}  // namespace cpu

std::unique_ptr<Kernels> make_cpu_kernels(const CpuOptions& options) {
    const cpu::Simd* simd = cpu::choose_simd(options.instruction_set);
    if (simd == nullptr) return nullptr;
    const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    const int threads = options.threads > 0 ? std::min(options.threads, 256) : cores;
    return std::make_unique<cpu::CpuKernels>(*simd, threads, options.activations);
}

}  // namespace sluice::local_engine
