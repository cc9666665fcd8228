// Products of weights with rows of activations, in tiles of 16 weight rows: the one place that knows which types have
// 8-bit paths and which are expanded to floats first.
#pragma once

#include "local_engine/kernels/cpu/simd.hpp"
#include "local_engine/kernels/cpu/thread_pool.hpp"
#include "local_engine/kernels/kernels.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace sluice::local_engine::cpu {

// Activations, and their 8-bit form once somebody needs it. Memory grows to the largest use and stays.
class Rows {
public:
    void point_to(const float* floats, std::int64_t rows, std::int64_t width);
    // Rows in memory of our own, to be written by the caller.
    float* resize(std::int64_t rows, std::int64_t width);
    void quantise(const Simd& simd, ThreadPool& pool);  // width a multiple of 32

    const float* floats() const { return floats_; }
    const QuantisedRows& quantised() const { return quantised_; }

private:
    const float* floats_ = nullptr;  // (rows_, width_)
    std::int64_t rows_ = 0;
    std::int64_t width_ = 0;
    QuantisedRows quantised_;
    std::vector<float> own_, scales_, sums_, half_sums_;
    std::vector<std::int8_t> values_;
};

class Products {
public:
    Products(const Simd& simd, ThreadPool& pool, Activations activations)
        : simd_(simd), pool_(pool), activations_(activations), scratch_(static_cast<std::size_t>(pool.threads())) {}

    bool wants_quantised(const Matrix& weight) const;

    // Weight rows [first, first + rows) times the columns of x: the result belongs to `thread` until its next call with
    // the same slot (two products can be held at once); out[c * kTileRows + r]. rows <= kTileRows.
    float* tile(int thread, int slot, const Matrix& weight, std::int64_t first, std::int64_t rows, const Rows& x,
                const std::int32_t* columns, std::int64_t column_count);

    // Calls body(thread, first_row, rows) for tiles that cover `rows` rows, `repeats` times (body's last argument).
    template <class Body>
    void for_each_tile(std::int64_t rows, std::int64_t repeats, const Body& body) {
        const std::int64_t tiles = (rows + kTileRows - 1) / kTileRows;
        // Neighbouring tiles in one task: long runs of one thread keep the memory's prefetchers going.
        const std::int64_t run = std::clamp<std::int64_t>(tiles * repeats / (8 * pool_.threads()), 1, 16);
        const std::int64_t runs = (tiles + run - 1) / run;
        pool_.for_each(runs * repeats, [&](std::int64_t task, int thread) {
            const std::int64_t begin = task % runs * run;
            for (std::int64_t tile = begin; tile < std::min(begin + run, tiles); ++tile) {
                body(thread, tile * kTileRows, std::min(kTileRows, rows - tile * kTileRows), task / runs);
            }
        });
    }

private:
    struct Scratch {
        std::vector<float> row;       // one expanded weight row
        std::vector<float> tiles[2];  // (columns, kTileRows)
    };
    const float* expanded(Scratch& scratch, const Matrix& weight, std::int64_t row) const;

    const Simd& simd_;
    ThreadPool& pool_;
    Activations activations_;
    std::vector<Scratch> scratch_;  // by thread
};

}  // namespace sluice::local_engine::cpu
