#include "local_engine/serving/pooling.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::local_engine {

void Pool::add(std::span<const float> states, std::int64_t position) {
    if (position == 0) std::ranges::fill(sum_, 0.0);
    const std::size_t width = sum_.size();
    for (std::size_t row = 0; row + width <= states.size(); row += width) {
        for (std::size_t i = 0; i < width; ++i) {
            const auto value = static_cast<double>(states[row + i]);
            sum_[i] = pooling_ == Pooling::Mean ? sum_[i] + value : value;
        }
    }
}

// A mean has the direction of the sum, and the length becomes one either way.
std::vector<float> Pool::finish() const {
    double square = 0.0;
    for (const double value : sum_) square += value * value;
    const double length = std::sqrt(square);
    std::vector<float> out;
    out.reserve(sum_.size());
    for (const double value : sum_) out.push_back(static_cast<float>(length > 0.0 ? value / length : value));
    return out;
}

}  // namespace sluice::local_engine
