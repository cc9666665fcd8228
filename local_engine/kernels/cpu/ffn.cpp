// Feed-forward layers. A dense one is one group of all tokens; experts are groups of the tokens that chose them, so
// that an expert's weights are read once per step, however many tokens use it.
#include "local_engine/kernels/cpu/cpu_kernels.hpp"

#include <algorithm>
#include <array>

namespace sluice::local_engine::cpu {

void CpuKernels::activate(Activation activation, float* out, const float* gate, const float* up,
                          std::int64_t count) const {
    const auto function = activation == Activation::SwigluClamped ? simd_.swiglu_clamped
                          : activation == Activation::Geglu       ? simd_.geglu
                                                                  : simd_.swiglu;
    function(out, gate, up, count);
}

// hidden_[position] = activation(gate · x[columns_[position]], up · x[columns_[position]]), for all groups.
void CpuKernels::hidden_rows(const GateAndUp& what, Rows& x) {
    if (products_.wants_quantised(what.gate) || products_.wants_quantised(what.up)) x.quantise(simd_, pool_);
    float* hidden = hidden_.resize(static_cast<std::int64_t>(columns_.size()), what.ffn);
    const auto repeats = static_cast<std::int64_t>(groups_.size());
    products_.for_each_tile(what.ffn, repeats, [&](int thread, std::int64_t first, std::int64_t rows, std::int64_t i) {
        const Group& group = groups_[static_cast<std::size_t>(i)];
        const std::int32_t* columns = columns_.data() + group.first;
        const std::int64_t row = group.expert * what.ffn + first;
        float* gated = products_.tile(thread, 0, what.gate, row, rows, x, columns, group.count);
        float* upped = products_.tile(thread, 1, what.up, row, rows, x, columns, group.count);
        for (std::int64_t c = 0; c < group.count; ++c, gated += kTileRows, upped += kTileRows) {
            if (what.weigh) {
                const float weight = column_weights_[static_cast<std::size_t>(group.first + c)];
                simd_.scale(gated, weight, rows);
                simd_.scale(upped, weight, rows);
            }
            if (what.gate_bias != nullptr) simd_.add_scaled(gated, what.gate_bias + row, 1.0F, rows);
            if (what.up_bias != nullptr) simd_.add_scaled(upped, what.up_bias + row, 1.0F, rows);
            activate(what.activation, hidden + (group.first + c) * what.ffn + first, gated, upped, rows);
        }
    });
}

void CpuKernels::dense_ffn(float* out, const DenseFfn& ffn, const float* x, Store how) {
    const std::int64_t rows = batch().size();
    groups_ = {{0, 0, rows}};
    columns_.assign(identity_.begin(), identity_.begin() + static_cast<std::ptrdiff_t>(rows));
    input_.point_to(x, rows, ffn.gate.cols);
    hidden_rows({ffn.gate, ffn.up, ffn.gate.rows, ffn.activation, nullptr, nullptr, false}, input_);
    project(std::array{Projection{ffn.down, out, how}}, hidden_, rows);
}

void CpuKernels::route(std::int32_t* ids, float* weights, const MoeFfn& ffn, const float* x) {
    const std::int64_t rows = batch().size();
    input_.point_to(x, rows, ffn.router.weight.cols);
    float* scores = normed_.resize(rows, ffn.experts);
    project(std::array{Projection{ffn.router.weight, scores, Store::Overwrite, ffn.router.bias}}, input_, rows);
    each_row(rows, 16 * std::int64_t{ffn.experts}, [&](std::int64_t row, int) {
        choose_experts(ids + row * ffn.used, weights + row * ffn.used, ffn, scores + row * ffn.experts);
    });
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
    column_weights_.resize(expert_ids_.size());
    slot_position_.resize(expert_ids_.size());
    for (std::size_t slot = 0; slot < expert_ids_.size(); ++slot) {
        const std::int32_t position = starts[static_cast<std::size_t>(expert_ids_[slot])]++;
        columns_[static_cast<std::size_t>(position)] = static_cast<std::int32_t>(slot) / ffn.used;
        column_weights_[static_cast<std::size_t>(position)] = expert_weights_[slot];
        slot_position_[slot] = position;
    }
}

void CpuKernels::moe_ffn(float* inout, const MoeFfn& ffn, const float* x) {
    const std::int64_t rows = batch().size();
    const std::int64_t width = ffn.router.weight.cols;
    const std::int64_t slots = rows * ffn.used;
    expert_ids_.resize(static_cast<std::size_t>(slots));
    expert_weights_.resize(static_cast<std::size_t>(slots));
    route(expert_ids_.data(), expert_weights_.data(), ffn, x);
    group_by_expert(ffn);

    input_.point_to(x, rows, width);
    hidden_rows({ffn.gate, ffn.up, ffn.ffn, ffn.activation, ffn.gate_bias, ffn.up_bias, ffn.weigh_input}, input_);
    if (products_.wants_quantised(ffn.down)) hidden_.quantise(simd_, pool_);
    number_rows(static_cast<std::size_t>(slots));
    expert_out_.resize(std::max(expert_out_.size(), static_cast<std::size_t>(slots * width)));
    const auto repeats = static_cast<std::int64_t>(groups_.size());
    products_.for_each_tile(
        width, repeats, [&](int thread, std::int64_t first, std::int64_t count, std::int64_t which) {
            const Group& group = groups_[static_cast<std::size_t>(which)];
            const std::int32_t* positions = identity_.data() + group.first;
            const std::int64_t row = group.expert * width + first;
            float* tile = products_.tile(thread, 0, ffn.down, row, count, hidden_, positions, group.count);
            for (std::int64_t i = 0; i < group.count; ++i) {
                if (ffn.down_bias != nullptr) simd_.add_scaled(tile + i * kTileRows, ffn.down_bias + row, 1.0F, count);
                std::copy_n(tile + i * kTileRows, count, expert_out_.data() + (group.first + i) * width + first);
            }
        });
    each_row(rows, width * ffn.used, [&](std::int64_t token, int) {
        for (std::int64_t slot = token * ffn.used; slot < (token + 1) * ffn.used; ++slot) {
            const auto at = static_cast<std::size_t>(slot);
            simd_.add_scaled(inout + token * width, expert_out_.data() + slot_position_[at] * width,
                             ffn.weigh_input ? 1.0F : expert_weights_[at], width);
        }
    });
    if (ffn.shared.down) dense_ffn(inout, ffn.shared, x, Store::Add);
}

}  // namespace sluice::local_engine::cpu
