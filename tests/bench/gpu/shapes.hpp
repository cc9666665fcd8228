// The models the bench speaks of, as plans without files: true widths, layers, experts and tensor types.
#pragma once

#include "local_engine/gguf/tensor_type.hpp"
#include "local_engine/model/layer_plan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::local_engine::bench {

// Which type each tensor of a file has. `more` of layers that keep more bits, as the usual mixture does it.
struct Mixture {
    TensorType attention = TensorType::Q4_K;
    TensorType value = TensorType::Q4_K, value_more = TensorType::Q6_K;
    TensorType up = TensorType::Q4_K;  // and gate
    TensorType down = TensorType::Q4_K, down_more = TensorType::Q6_K;
    TensorType embedding = TensorType::Q4_K;
    TensorType head = TensorType::Q6_K;

    bool more_bits(std::int64_t layer, std::int64_t layers) const {
        const std::int64_t eighth = layers / 8;
        return layer < eighth || layer >= 7 * eighth || (layer - eighth) % 3 == 2;
    }
};

struct Shape {
    std::string name;
    std::string quant;
    ModelPlan plan;
    Mixture mixture;
};

std::vector<Shape> shapes();  // of the table
Shape tiny_shape();           // for the bench's own test: every kind of operation, hardly any work

struct Size {
    double parameters = 0, active = 0;  // active: of one token, the head included
    double bytes = 0;                   // of all weights
};
Size size_of(const Shape& shape);

}  // namespace sluice::local_engine::bench
