// One vector for a text from the hidden states of its tokens, of length one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice::local_engine {

enum class Pooling : std::uint8_t { LastToken, Mean };

class Pool {
public:
    Pool(Pooling pooling, std::size_t width) : pooling_(pooling), sum_(width, 0.0) {}

    // States (n, width) of the next tokens of the text; `position` of the first of them: 0 starts over.
    void add(std::span<const float> states, std::int64_t position);
    std::vector<float> finish() const;

private:
    Pooling pooling_;
    std::vector<double> sum_;
};

}  // namespace sluice::local_engine
