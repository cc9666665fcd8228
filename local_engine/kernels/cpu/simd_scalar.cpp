// For machines without vector instructions we know, and the plain statement of what the other sets compute.
#include "local_engine/gguf/half.hpp"
#include "local_engine/kernels/cpu/simd_loops.hpp"

#include <cstring>

namespace sluice::local_engine::cpu {
namespace {

void from_half(float* out, const std::byte* in, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
        std::uint16_t half = 0;
        std::memcpy(&half, in + 2 * i, sizeof(half));
        out[i] = half_to_float(half);
    }
}

void to_half(std::byte* out, const float* in, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
        const std::uint16_t half = float_to_half(in[i]);
        std::memcpy(out + 2 * i, &half, sizeof(half));
    }
}

float half_at(const std::byte* at) {
    float value = 0.0F;
    from_half(&value, at, 1);
    return value;
}

int byte_at(const std::byte* at) {
    return std::to_integer<int>(*at);
}

// A block as integers q with weight = scale * q + offset per group of 16.
struct Unpacked {
    std::int64_t size = 0;  // values: 32 or 256
    int q[256];
    float scale[16];
    float offset[16];
};

void unpack_q8_0(Unpacked& out, const std::byte* block) {
    out.size = 32;
    for (int i = 0; i < 32; ++i) out.q[i] = static_cast<std::int8_t>(byte_at(block + 2 + i));
    for (int half = 0; half < 2; ++half) {
        out.scale[half] = half_at(block);
        out.offset[half] = 0.0F;
    }
}

void unpack_q4_k(Unpacked& out, const std::byte* block) {
    out.size = 256;
    const std::byte* s = block + 4;
    for (int g = 0; g < 8; ++g) {
        const int low = g & 3;
        const int scale = g < 4 ? byte_at(s + g) & 63 : (byte_at(s + g + 4) & 15) | (byte_at(s + low) >> 6 << 4);
        const int least = g < 4 ? byte_at(s + g + 4) & 63 : (byte_at(s + g + 4) >> 4) | (byte_at(s + g) >> 6 << 4);
        for (int i = 0; i < 32; ++i) {
            const int pair = byte_at(block + 16 + 32 * (g / 2) + i);
            out.q[32 * g + i] = g % 2 == 0 ? pair & 15 : pair >> 4;
        }
        for (int half = 0; half < 2; ++half) {
            out.scale[2 * g + half] = half_at(block) * static_cast<float>(scale);
            out.offset[2 * g + half] = -half_at(block + 2) * static_cast<float>(least);
        }
    }
}

void unpack_q6_k(Unpacked& out, const std::byte* block) {
    out.size = 256;
    for (int e = 0; e < 256; ++e) {
        const int h = e / 128;
        const int c = e % 128 / 32;
        const int l = e % 32;
        const int pair = byte_at(block + 64 * h + l + 32 * (c & 1));
        const int high = (byte_at(block + 128 + 32 * h + l) >> (2 * c)) & 3;
        out.q[e] = ((c < 2 ? pair & 15 : pair >> 4) | high << 4) - 32;
    }
    for (int g = 0; g < 16; ++g) {
        out.scale[g] = half_at(block + 208) * static_cast<float>(static_cast<std::int8_t>(byte_at(block + 192 + g)));
        out.offset[g] = 0.0F;
    }
}

void tile(float* out, const Matrix& weight, std::int64_t first, std::int64_t rows, const QuantisedRows& x,
          const std::int32_t* columns, std::int64_t column_count) {
    const auto unpack = weight.type == TensorType::Q8_0   ? unpack_q8_0
                        : weight.type == TensorType::Q4_K ? unpack_q4_k
                                                          : unpack_q6_k;
    const std::int64_t block_bytes = weight.type == TensorType::Q8_0 ? 34 : weight.type == TensorType::Q4_K ? 144 : 210;
    for (std::int64_t i = 0; i < column_count * kTileRows; ++i) out[i] = 0.0F;
    Unpacked block;
    for (std::int64_t row = 0; row < rows; ++row) {
        const std::byte* at = weight.row(first + row);
        for (std::int64_t start = 0; start < weight.cols; start += block.size, at += block_bytes) {
            unpack(block, at);
            for (std::int64_t c = 0; c < column_count; ++c) {
                const std::int64_t column = columns[c] * weight.cols + start;
                for (std::int64_t g = 0; g < block.size / 16; ++g) {
                    int sum = 0;
                    for (int i = 0; i < 16; ++i) sum += block.q[16 * g + i] * x.values[column + 16 * g + i];
                    out[c * kTileRows + row] +=
                        block.scale[g] * x.scales[(column + 16 * g) / 32] * static_cast<float>(sum) +
                        block.offset[g] * x.half_sums[column / 16 + g];
                }
            }
        }
    }
}

bool has_tile(TensorType type) {
    return type == TensorType::Q8_0 || type == TensorType::Q4_K || type == TensorType::Q6_K;
}

}  // namespace

const Simd& scalar_simd() {
    static constexpr Simd table{"scalar",    dot,     dot_4,          add_4, add_scaled, scale,
                                multiply,    swiglu,  swiglu_clamped, geglu, exp_minus,  from_half,
                                from_bfloat, to_half, quantise,       tile,  has_tile};
    return table;
}

}  // namespace sluice::local_engine::cpu
