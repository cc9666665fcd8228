// Feed-forward layers. A dense one is one group of all tokens; experts are groups of the tokens that chose them, so
// that an expert's weights are read once per step, however many tokens use it.
#include "local_engine/kernels/cpu/cpu_kernels.hpp"

#include <algorithm>
#include <array>

namespace sluice::local_engine::cpu {

// hidden_[position] = silu(gate · x[columns_[position]]) * (up · x[columns_[position]]), for all groups.
void CpuKernels::hidden_rows(const Matrix& gate, const Matrix& up, std::int64_t ffn, Rows& x) {
    if (products_.wants_quantised(gate) || products_.wants_quantised(up)) x.quantise(simd_, pool_);
    float* hidden = hidden_.resize(static_cast<std::int64_t>(columns_.size()), ffn);
    const auto repeats = static_cast<std::int64_t>(groups_.size());
    products_.for_each_tile(ffn, repeats, [&](int thread, std::int64_t first, std::int64_t rows, std::int64_t which) {
        const Group& group = groups_[static_cast<std::size_t>(which)];
        const std::int32_t* columns = columns_.data() + group.first;
        const std::int64_t row = group.expert * ffn + first;
        const float* gated = products_.tile(thread, 0, gate, row, rows, x, columns, group.count);
        const float* upped = products_.tile(thread, 1, up, row, rows, x, columns, group.count);
        for (std::int64_t i = 0; i < group.count; ++i) {
            simd_.swiglu(hidden + (group.first + i) * ffn + first, gated + i * kTileRows, upped + i * kTileRows, rows);
        }
    });
}

void CpuKernels::dense_ffn(float* inout, const DenseFfn& ffn, const float* x) {
    const std::int64_t rows = batch().size();
    groups_ = {{0, 0, rows}};
    columns_.assign(identity_.begin(), identity_.begin() + static_cast<std::ptrdiff_t>(rows));
    input_.point_to(x, rows, ffn.gate.cols);
    hidden_rows(ffn.gate, ffn.up, ffn.gate.rows, input_);
    project(std::array{Projection{ffn.down, inout, Store::Add}}, hidden_, rows);
}

void CpuKernels::route(std::int32_t* ids, float* weights, const MoeFfn& ffn, const float* x) {
    const std::int64_t rows = batch().size();
    input_.point_to(x, rows, ffn.router.cols);
    float* scores = normed_.resize(rows, ffn.experts);
    project(std::array{Projection{ffn.router, scores}}, input_, rows);
    for (std::int64_t row = 0; row < rows; ++row) {
        choose_experts(ids + row * ffn.used, weights + row * ffn.used, ffn, scores + row * ffn.experts);
    }
}

// Sorts the choices of all tokens by expert, in order of token: a fixed order, whatever the threads do.
void CpuKernels::group_by_expert(const MoeFfn& ffn) {
    std::vector<std::int32_t> starts(static_cast<std::size_t>(ffn.experts) + 1, 0);
    for (const std::int32_t expert : expert_ids_) ++starts[static_cast<std::size_t>(expert) + 1];
    groups_.clear();
    for (std::size_t expert = 0; expert + 1 < starts.size(); ++expert) {
        const std::int32_t count = starts[expert + 1];
        starts[expert + 1] += starts[expert];
        if (count > 0) groups_.push_back({static_cast<std::int64_t>(expert), starts[expert], count});
    }
    columns_.resize(expert_ids_.size());
    slot_position_.resize(expert_ids_.size());
    for (std::size_t slot = 0; slot < expert_ids_.size(); ++slot) {
        const std::int32_t position = starts[static_cast<std::size_t>(expert_ids_[slot])]++;
        columns_[static_cast<std::size_t>(position)] = static_cast<std::int32_t>(slot) / ffn.used;
        slot_position_[slot] = position;
    }
}

void CpuKernels::moe_ffn(float* inout, const MoeFfn& ffn, const float* x) {
    const std::int64_t rows = batch().size();
    const std::int64_t width = ffn.router.cols;
    const std::int64_t slots = rows * ffn.used;
    expert_ids_.resize(static_cast<std::size_t>(slots));
    expert_weights_.resize(static_cast<std::size_t>(slots));
    route(expert_ids_.data(), expert_weights_.data(), ffn, x);
    group_by_expert(ffn);

    input_.point_to(x, rows, width);
    hidden_rows(ffn.gate, ffn.up, ffn.ffn, input_);
    if (products_.wants_quantised(ffn.down)) hidden_.quantise(simd_, pool_);
    identity_.resize(std::max(identity_.size(), static_cast<std::size_t>(slots)));
    for (std::size_t i = 0; i < identity_.size(); ++i) identity_[i] = static_cast<std::int32_t>(i);
    expert_out_.resize(std::max(expert_out_.size(), static_cast<std::size_t>(slots * width)));
    const auto repeats = static_cast<std::int64_t>(groups_.size());
    products_.for_each_tile(
        width, repeats, [&](int thread, std::int64_t first, std::int64_t count, std::int64_t which) {
            const Group& group = groups_[static_cast<std::size_t>(which)];
            const std::int32_t* positions = identity_.data() + group.first;
            const float* tile = products_.tile(thread, 0, ffn.down, group.expert * width + first, count, hidden_,
                                               positions, group.count);
            for (std::int64_t i = 0; i < group.count; ++i) {
                std::copy_n(tile + i * kTileRows, count, expert_out_.data() + (group.first + i) * width + first);
            }
        });
    for (std::int64_t slot = 0; slot < slots; ++slot) {
        const auto at = static_cast<std::size_t>(slot);
        simd_.add_scaled(inout + slot / ffn.used * width, expert_out_.data() + slot_position_[at] * width,
                         expert_weights_[at], width);
    }
}

}  // namespace sluice::local_engine::cpu
