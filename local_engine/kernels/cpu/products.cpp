#include "local_engine/kernels/cpu/products.hpp"

#include "local_engine/gguf/dequantize.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::local_engine::cpu {

void Rows::point_to(const float* floats, std::int64_t rows, std::int64_t width) {
    floats_ = floats;
    rows_ = rows;
    width_ = width;
}

float* Rows::resize(std::int64_t rows, std::int64_t width) {
    own_.resize(std::max(own_.size(), static_cast<std::size_t>(rows * width)));
    point_to(own_.data(), rows, width);
    return own_.data();
}

void Rows::quantise(const Simd& simd, ThreadPool& pool) {
    const auto count = static_cast<std::size_t>(rows_ * width_);
    values_.resize(std::max(values_.size(), count));
    scales_.resize(std::max(scales_.size(), count / 32));
    sums_.resize(scales_.size());
    half_sums_.resize(2 * scales_.size());
    quantised_ = {values_.data(), scales_.data(), sums_.data(), half_sums_.data()};
    const auto row = [&](std::int64_t i, int) {
        simd.quantise(values_.data() + i * width_, scales_.data() + i * width_ / 32, sums_.data() + i * width_ / 32,
                      half_sums_.data() + i * width_ / 16, floats_ + i * width_, width_);
    };
    if (count >= 1U << 14U) return pool.for_each(rows_, row);
    for (std::int64_t i = 0; i < rows_; ++i) row(i, 0);  // shorter than waking anybody
}

bool Products::wants_quantised(const Matrix& weight) const {
    return activations_ == Activations::Q8 && !weight.exact && simd_.has_tile(weight.type);
}

const float* Products::expanded(Scratch& scratch, const Matrix& weight, std::int64_t row) const {
    const std::byte* at = weight.row(row);
    const bool aligned = reinterpret_cast<std::uintptr_t>(at) % alignof(float) == 0;
    if (weight.type == TensorType::F32 && aligned) return reinterpret_cast<const float*>(at);
    scratch.row.resize(std::max(scratch.row.size(), static_cast<std::size_t>(weight.cols)));
    if (weight.type == TensorType::F16) simd_.from_half(scratch.row.data(), at, weight.cols);
    else if (weight.type == TensorType::BF16) simd_.from_bfloat(scratch.row.data(), at, weight.cols);
    else dequantize(weight.type, at, weight.cols, scratch.row.data());
    return scratch.row.data();
}

float* Products::tile(int thread, int slot, const Matrix& weight, std::int64_t first, std::int64_t rows, const Rows& x,
                      const std::int32_t* columns, std::int64_t column_count) {
    Scratch& scratch = scratch_[static_cast<std::size_t>(thread)];
    std::vector<float>& tile = scratch.tiles[slot];
    tile.resize(std::max(tile.size(), static_cast<std::size_t>(column_count * kTileRows)));
    if (wants_quantised(weight)) {
        simd_.tile(tile.data(), weight, first, rows, x.quantised(), columns, column_count);
        return tile.data();
    }
    for (std::int64_t row = 0; row < rows; ++row) {
        const float* values = expanded(scratch, weight, first + row);
        float* out = tile.data() + row;
        std::int64_t c = 0;
        while (c < column_count) {
            const float* column = x.floats() + columns[c] * weight.cols;
            if (c + 4 <= column_count && columns[c + 3] == columns[c] + 3) {  // ascending: four neighbours
                float four[4];
                simd_.dot_4(four, values, column, weight.cols, weight.cols);
                for (std::int64_t k = 0; k < 4; ++k) out[(c + k) * kTileRows] = four[k];
                c += 4;
            } else {
                out[c * kTileRows] = simd_.dot(values, column, weight.cols);
                ++c;
            }
        }
    }
    return tile.data();
}

}  // namespace sluice::local_engine::cpu
