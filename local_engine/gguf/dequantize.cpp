// One function per format. Names of the fields of a block: d and m are scales and minima in half precision, qs the
// low bits of the quants, qh the high bits. "e" is the index of the element in its block.
#include "local_engine/gguf/dequantize.hpp"

#include "local_engine/gguf/half.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace sluice::local_engine {
namespace {

using Byte = std::uint8_t;

float half_at(const Byte* block, int offset) {
    return half_to_float(static_cast<std::uint16_t>(block[offset] | block[offset + 1] << 8));
}

std::uint32_t word_at(const Byte* block, int offset) {
    std::uint32_t word = 0;
    std::memcpy(&word, block + offset, sizeof(word));
    return word;
}

int signed_at(const Byte* block, int offset) {
    return static_cast<std::int8_t>(block[offset]);
}

// Blocks of 32 keep elements 0..15 in the low and 16..31 in the high nibbles.
int nibble(const Byte* qs, int e) {
    return e < 16 ? qs[e] & 15 : qs[e - 16] >> 4;
}

// Non-linear 4-bit levels of the IQ4 formats.
constexpr std::array<float, 16> kIq4Levels{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
// 4-bit floats (one sign, two exponent, one mantissa bit), doubled to be whole numbers.
constexpr std::array<float, 16> kFp4Doubled{0, 1, 2, 3, 4, 6, 8, 12, -0.0F, -1, -2, -3, -4, -6, -8, -12};

void f32(const Byte* block, float* out) {
    std::memcpy(out, block, sizeof(float));
}
void f16(const Byte* block, float* out) {
    *out = half_at(block, 0);
}
void bf16(const Byte* block, float* out) {
    *out = bfloat_to_float(static_cast<std::uint16_t>(block[0] | block[1] << 8));
}

void q4_0(const Byte* block, float* out) {
    const float d = half_at(block, 0);
    for (int e = 0; e < 32; ++e) out[e] = d * static_cast<float>(nibble(block + 2, e) - 8);
}

void q4_1(const Byte* block, float* out) {
    const float d = half_at(block, 0);
    const float m = half_at(block, 2);
    for (int e = 0; e < 32; ++e) out[e] = d * static_cast<float>(nibble(block + 4, e)) + m;
}

void q5_0(const Byte* block, float* out) {
    const float d = half_at(block, 0);
    const std::uint32_t high = word_at(block, 2);
    for (int e = 0; e < 32; ++e) {
        const int q = nibble(block + 6, e) | static_cast<int>(high >> e & 1U) << 4;
        out[e] = d * static_cast<float>(q - 16);
    }
}

void q5_1(const Byte* block, float* out) {
    const float d = half_at(block, 0);
    const float m = half_at(block, 2);
    const std::uint32_t high = word_at(block, 4);
    for (int e = 0; e < 32; ++e) {
        const int q = nibble(block + 8, e) | static_cast<int>(high >> e & 1U) << 4;
        out[e] = d * static_cast<float>(q) + m;
    }
}

void q8_0(const Byte* block, float* out) {
    const float d = half_at(block, 0);
    for (int e = 0; e < 32; ++e) out[e] = d * static_cast<float>(signed_at(block, 2 + e));
}

void iq4_nl(const Byte* block, float* out) {
    const float d = half_at(block, 0);
    for (int e = 0; e < 32; ++e) out[e] = d * kIq4Levels[static_cast<std::size_t>(nibble(block + 2, e))];
}

// The scale is a bare exponent E: 2^(E - 127). Half of it goes with the doubled levels, so that E = 255 fits a float;
// for E of 0 and 1 the half is subnormal.
void mxfp4(const Byte* block, float* out) {
    const std::uint32_t exponent = block[0];
    const float half_scale = std::bit_cast<float>(exponent < 2 ? 0x00200000U << exponent : (exponent - 1) << 23U);
    for (int e = 0; e < 32; ++e) out[e] = half_scale * kFp4Doubled[static_cast<std::size_t>(nibble(block + 1, e))];
}

void q2_k(const Byte* block, float* out) {
    const Byte* scales = block;  // low nibble: scale, high nibble: minimum; one per 16 elements
    const Byte* qs = block + 16;
    const float d = half_at(block, 80);
    const float d_min = half_at(block, 82);
    for (int e = 0; e < 256; ++e) {
        const int q = qs[32 * (e / 128) + e % 32] >> (2 * (e % 128 / 32)) & 3;
        const int scale = scales[e / 16];
        out[e] = d * static_cast<float>(scale & 15) * static_cast<float>(q) - d_min * static_cast<float>(scale >> 4);
    }
}

void q3_k(const Byte* block, float* out) {
    const Byte* high = block;
    const Byte* qs = block + 32;
    const Byte* scales = block + 96;  // 16 of 6 bits: four low bits in bytes 0..7, two high bits in bytes 8..11
    const float d = half_at(block, 108);
    for (int e = 0; e < 256; ++e) {
        const int k = e / 16;
        const int low = k < 8 ? scales[k] & 15 : scales[k - 8] >> 4;
        const int scale = (low | (scales[8 + k % 4] >> (2 * (k / 4)) & 3) << 4) - 32;
        const int q = qs[32 * (e / 128) + e % 32] >> (2 * (e % 128 / 32)) & 3;
        const int offset = (high[e % 32] >> (e / 32) & 1) != 0 ? 0 : 4;
        out[e] = d * static_cast<float>(scale) * static_cast<float>(q - offset);
    }
}

struct ScaleAndMin {
    float scale, min;
};

// Eight scales and eight minima of 6 bits in 12 bytes, shared by Q4_K and Q5_K.
ScaleAndMin scale_and_min(const Byte* s, int j) {
    if (j < 4) return {static_cast<float>(s[j] & 63), static_cast<float>(s[j + 4] & 63)};
    return {static_cast<float>((s[j + 4] & 15) | (s[j - 4] >> 6) << 4),
            static_cast<float>((s[j + 4] >> 4) | (s[j] >> 6) << 4)};
}

void q4_k(const Byte* block, float* out) {
    const float d = half_at(block, 0);
    const float d_min = half_at(block, 2);
    const Byte* qs = block + 16;
    for (int e = 0; e < 256; ++e) {
        const int group = e / 32;
        const auto [scale, min] = scale_and_min(block + 4, group);
        const int byte = qs[32 * (group / 2) + e % 32];
        const int q = group % 2 == 0 ? byte & 15 : byte >> 4;
        out[e] = d * scale * static_cast<float>(q) - d_min * min;
    }
}

void q5_k(const Byte* block, float* out) {
    const float d = half_at(block, 0);
    const float d_min = half_at(block, 2);
    const Byte* qh = block + 16;
    const Byte* qs = block + 48;
    for (int e = 0; e < 256; ++e) {
        const int group = e / 32;
        const auto [scale, min] = scale_and_min(block + 4, group);
        const int byte = qs[32 * (group / 2) + e % 32];
        const int q = (group % 2 == 0 ? byte & 15 : byte >> 4) | (qh[e % 32] >> group & 1) << 4;
        out[e] = d * scale * static_cast<float>(q) - d_min * min;
    }
}

void q6_k(const Byte* block, float* out) {
    const Byte* ql = block;
    const Byte* qh = block + 128;
    const float d = half_at(block, 208);
    for (int e = 0; e < 256; ++e) {
        const int half = e / 128;
        const int quarter = e % 128 / 32;
        const int lane = e % 32;
        const int byte = ql[64 * half + lane + 32 * (quarter & 1)];
        const int low = quarter < 2 ? byte & 15 : byte >> 4;
        const int high = qh[32 * half + lane] >> (2 * quarter) & 3;
        const auto scale = static_cast<float>(signed_at(block, 192 + e / 16));
        out[e] = d * scale * static_cast<float>((low | high << 4) - 32);
    }
}

void iq4_xs(const Byte* block, float* out) {
    const float d = half_at(block, 0);
    const int high = block[2] | block[3] << 8;
    const Byte* low = block + 4;
    const Byte* qs = block + 8;
    for (int e = 0; e < 256; ++e) {
        const int group = e / 32;
        const int scale = (low[group / 2] >> (4 * (group % 2)) & 15) | (high >> (2 * group) & 3) << 4;
        const int q = nibble(qs + 16 * group, e % 32);
        out[e] = d * static_cast<float>(scale - 32) * kIq4Levels[static_cast<std::size_t>(q)];
    }
}

using Expand = void (*)(const Byte*, float*);

Expand expand_of(TensorType type) {
    switch (type) {
        case TensorType::F32: return f32;
        case TensorType::F16: return f16;
        case TensorType::BF16: return bf16;
        case TensorType::Q4_0: return q4_0;
        case TensorType::Q4_1: return q4_1;
        case TensorType::Q5_0: return q5_0;
        case TensorType::Q5_1: return q5_1;
        case TensorType::Q8_0: return q8_0;
        case TensorType::Q2_K: return q2_k;
        case TensorType::Q3_K: return q3_k;
        case TensorType::Q4_K: return q4_k;
        case TensorType::Q5_K: return q5_k;
        case TensorType::Q6_K: return q6_k;
        case TensorType::IQ4_NL: return iq4_nl;
        case TensorType::IQ4_XS: return iq4_xs;
        case TensorType::MXFP4: return mxfp4;
        default: return nullptr;
    }
}

}  // namespace

bool dequantize(TensorType type, const std::byte* blocks, std::int64_t elements, float* out) {
    const Expand expand = expand_of(type);
    if (expand == nullptr || elements < 0) return false;
    const TypeTraits& block = *traits(type);
    if (elements % block.block_elements != 0) return false;
    const Byte* at = reinterpret_cast<const Byte*>(blocks);
    for (std::int64_t done = 0; done < elements; done += block.block_elements) {
        expand(at, out + done);
        at += block.block_bytes;
    }
    return true;
}

}  // namespace sluice::local_engine
