// The second implementation runs the other way: it draws quants and scales, packs them into a block as a quantiser
// does, and knows the values without ever unpacking.
#include "local_engine/gguf/dequantize.hpp"
#include "local_engine/gguf/half.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

namespace sluice::local_engine {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Packed {
    Bytes block;
    std::vector<double> values;
};

std::mt19937& dice() {
    static std::mt19937 generator(20240607);
    return generator;
}
int draw(int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(dice());
}
std::vector<int> draw_many(std::size_t count, int most) {
    std::vector<int> numbers(count);
    for (int& number : numbers) number = draw(0, most);
    return numbers;
}
std::uint8_t byte(int value) {
    return static_cast<std::uint8_t>(value);
}
std::size_t at(int index) {
    return static_cast<std::size_t>(index);
}

// A scale as it is stored: a random half, and its meaning.
double put_half(Bytes& block, std::size_t offset) {
    const auto half = float_to_half(static_cast<float>(draw(-2000, 2000)) / 1024.0F);
    std::memcpy(block.data() + offset, &half, 2);
    return static_cast<double>(half_to_float(half));
}

void put_nibbles(Bytes& block, std::size_t offset, const int* quants) {  // 32 of them
    for (int i = 0; i < 16; ++i) block[offset + at(i)] = byte((quants[i] & 15) | (quants[i + 16] & 15) << 4);
}

Packed small_block(std::size_t bytes, bool has_min, int high_bit_offset, const std::function<double(int)>& level) {
    Packed packed{Bytes(bytes), {}};
    const double d = put_half(packed.block, 0);
    const double m = has_min ? put_half(packed.block, 2) : 0.0;
    const auto quants = draw_many(32, high_bit_offset >= 0 ? 31 : 15);
    std::uint32_t high = 0;
    for (int i = 0; i < 32; ++i) high |= static_cast<std::uint32_t>(quants[at(i)] >> 4) << i;
    if (high_bit_offset >= 0) std::memcpy(packed.block.data() + high_bit_offset, &high, 4);
    put_nibbles(packed.block, bytes - 16, quants.data());
    for (const int q : quants) packed.values.push_back(d * level(q) + m);
    return packed;
}

constexpr std::array<double, 16> kIq4{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

Packed q8_0() {
    Packed packed{Bytes(34), {}};
    const double d = put_half(packed.block, 0);
    for (int i = 0; i < 32; ++i) {
        const int q = draw(-128, 127);
        packed.block[at(2 + i)] = byte(q);
        packed.values.push_back(d * q);
    }
    return packed;
}

Packed mxfp4() {
    constexpr std::array<double, 8> kMagnitudes{0, 0.5, 1, 1.5, 2, 3, 4, 6};
    Packed packed{Bytes(17), {}};
    const int exponent = draw(0, 251);  // above, 6 * 2^(E-127) does not fit a float
    packed.block[0] = byte(exponent);
    const auto quants = draw_many(32, 15);
    put_nibbles(packed.block, 1, quants.data());
    for (const int q : quants) {
        packed.values.push_back(std::ldexp(kMagnitudes[at(q & 7)], exponent - 127) * (q >= 8 ? -1 : 1));
    }
    return packed;
}

void put_two_bits(Bytes& block, int offset, const std::vector<int>& quants) {
    for (int half = 0; half < 2; ++half) {
        for (int lane = 0; lane < 32; ++lane) {
            int packed = 0;
            for (int part = 0; part < 4; ++part) packed |= (quants[at(128 * half + 32 * part + lane)] & 3) << 2 * part;
            block[at(offset + 32 * half + lane)] = byte(packed);
        }
    }
}

Packed q2_k() {
    Packed packed{Bytes(84), {}};
    const auto quants = draw_many(256, 3);
    const auto scales = draw_many(16, 15);
    const auto minima = draw_many(16, 15);
    for (int i = 0; i < 16; ++i) packed.block[at(i)] = byte(scales[at(i)] | minima[at(i)] << 4);
    put_two_bits(packed.block, 16, quants);
    const double d = put_half(packed.block, 80);
    const double d_min = put_half(packed.block, 82);
    for (int e = 0; e < 256; ++e) {
        packed.values.push_back(d * scales[at(e / 16)] * quants[at(e)] - d_min * minima[at(e / 16)]);
    }
    return packed;
}

Packed q3_k() {
    Packed packed{Bytes(110), {}};
    const auto quants = draw_many(256, 7);  // value + 4
    const auto scales = draw_many(16, 63);  // value + 32
    int mask_byte = 0;
    int mask_bit = 1;
    for (int e = 0; e < 256; ++e) {
        if (quants[at(e)] > 3) packed.block[at(mask_byte)] |= byte(mask_bit);
        if (++mask_byte == 32) {
            mask_byte = 0;
            mask_bit <<= 1;
        }
    }
    put_two_bits(packed.block, 32, quants);
    for (int j = 0; j < 16; ++j) {
        packed.block[at(96 + j % 8)] |= byte((scales[at(j)] & 15) << (j < 8 ? 0 : 4));
        packed.block[at(104 + j % 4)] |= byte(scales[at(j)] >> 4 << 2 * (j / 4));
    }
    const double d = put_half(packed.block, 108);
    for (int e = 0; e < 256; ++e) packed.values.push_back(d * (scales[at(e / 16)] - 32) * (quants[at(e)] - 4));
    return packed;
}

void put_scales_and_minima(Bytes& block, const std::vector<int>& scales, const std::vector<int>& minima) {
    std::uint8_t* s = block.data() + 4;
    for (int j = 0; j < 4; ++j) {
        s[j] = byte(scales[at(j)]);
        s[j + 4] = byte(minima[at(j)]);
    }
    for (int j = 4; j < 8; ++j) {
        s[j + 4] = byte((scales[at(j)] & 15) | (minima[at(j)] & 15) << 4);
        s[j - 4] |= byte(scales[at(j)] >> 4 << 6);
        s[j] |= byte(minima[at(j)] >> 4 << 6);
    }
}

Packed q45_k(int bits) {
    Packed packed{Bytes(bits == 4 ? 144 : 176), {}};
    const auto quants = draw_many(256, (1 << bits) - 1);
    const auto scales = draw_many(8, 63);
    const auto minima = draw_many(8, 63);
    const double d = put_half(packed.block, 0);
    const double d_min = put_half(packed.block, 2);
    put_scales_and_minima(packed.block, scales, minima);
    const int low = bits == 4 ? 16 : 48;
    for (int pair = 0; pair < 4; ++pair) {
        for (int lane = 0; lane < 32; ++lane) {
            const int first = quants[at(64 * pair + lane)];
            const int second = quants[at(64 * pair + 32 + lane)];
            packed.block[at(low + 32 * pair + lane)] = byte((first & 15) | (second & 15) << 4);
            if (bits == 5) packed.block[at(16 + lane)] |= byte((first >> 4 | second >> 4 << 1) << 2 * pair);
        }
    }
    for (int e = 0; e < 256; ++e) {
        packed.values.push_back(d * scales[at(e / 32)] * quants[at(e)] - d_min * minima[at(e / 32)]);
    }
    return packed;
}

Packed q6_k() {
    Packed packed{Bytes(210), {}};
    const auto quants = draw_many(256, 63);  // value + 32
    std::vector<int> scales(16);
    for (int i = 0; i < 16; ++i) {
        scales[at(i)] = draw(-128, 127);
        packed.block[at(192 + i)] = byte(scales[at(i)]);
    }
    for (int half = 0; half < 2; ++half) {
        const int* q = quants.data() + 128 * half;
        for (int l = 0; l < 32; ++l) {
            packed.block[at(64 * half + l)] = byte((q[l] & 15) | (q[l + 64] & 15) << 4);
            packed.block[at(64 * half + l + 32)] = byte((q[l + 32] & 15) | (q[l + 96] & 15) << 4);
            packed.block[at(128 + 32 * half + l)] =
                byte(q[l] >> 4 | q[l + 32] >> 4 << 2 | q[l + 64] >> 4 << 4 | q[l + 96] >> 4 << 6);
        }
    }
    const double d = put_half(packed.block, 208);
    for (int e = 0; e < 256; ++e) packed.values.push_back(d * scales[at(e / 16)] * (quants[at(e)] - 32));
    return packed;
}

Packed iq4_xs() {
    Packed packed{Bytes(136), {}};
    const auto quants = draw_many(256, 15);
    const auto scales = draw_many(8, 63);  // value + 32
    const double d = put_half(packed.block, 0);
    int high = 0;
    for (int group = 0; group < 8; ++group) {
        packed.block[at(4 + group / 2)] |= byte((scales[at(group)] & 15) << 4 * (group % 2));
        high |= scales[at(group)] >> 4 << 2 * group;
        put_nibbles(packed.block, at(8 + 16 * group), quants.data() + 32 * group);
    }
    packed.block[2] = byte(high & 255);
    packed.block[3] = byte(high >> 8);
    for (int e = 0; e < 256; ++e) packed.values.push_back(d * (scales[at(e / 32)] - 32) * kIq4[at(quants[at(e)])]);
    return packed;
}

Packed pack(TensorType type) {
    switch (type) {
        case TensorType::Q4_0: return small_block(18, false, -1, [](int q) { return q - 8.0; });
        case TensorType::Q4_1: return small_block(20, true, -1, [](int q) { return 1.0 * q; });
        case TensorType::Q5_0: return small_block(22, false, 2, [](int q) { return q - 16.0; });
        case TensorType::Q5_1: return small_block(24, true, 4, [](int q) { return 1.0 * q; });
        case TensorType::IQ4_NL: return small_block(18, false, -1, [](int q) { return kIq4[at(q)]; });
        case TensorType::Q8_0: return q8_0();
        case TensorType::MXFP4: return mxfp4();
        case TensorType::Q2_K: return q2_k();
        case TensorType::Q3_K: return q3_k();
        case TensorType::Q4_K: return q45_k(4);
        case TensorType::Q5_K: return q45_k(5);
        case TensorType::Q6_K: return q6_k();
        case TensorType::IQ4_XS: return iq4_xs();
        default: return {};
    }
}

class GgufDequantize : public ::testing::TestWithParam<TensorType> {};

TEST_P(GgufDequantize, GivesTheValuesThatWerePacked) {
    constexpr int kBlocks = 200;
    const TypeTraits& block = *traits(GetParam());
    Bytes bytes(1);  // one byte off: the input needs no alignment
    std::vector<double> expected;
    for (int i = 0; i < kBlocks; ++i) {
        const Packed packed = pack(GetParam());
        ASSERT_EQ(packed.block.size(), at(block.block_bytes));
        bytes.insert(bytes.end(), packed.block.begin(), packed.block.end());
        expected.insert(expected.end(), packed.values.begin(), packed.values.end());
    }
    std::vector<float> values(expected.size());
    ASSERT_TRUE(dequantize(GetParam(), reinterpret_cast<const std::byte*>(bytes.data() + 1),
                           static_cast<std::int64_t>(values.size()), values.data()));
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double terms = std::fabs(expected[i]) + 130;  // a difference of two terms loses the digits they share
        const double tolerance = GetParam() == TensorType::MXFP4 ? 0.0 : 1e-6 * terms;
        ASSERT_NEAR(static_cast<double>(values[i]), expected[i], tolerance) << "element " << i;
    }
}

INSTANTIATE_TEST_SUITE_P(AllFormats, GgufDequantize,
                         ::testing::Values(TensorType::Q4_0, TensorType::Q4_1, TensorType::Q5_0, TensorType::Q5_1,
                                         TensorType::Q8_0, TensorType::Q2_K, TensorType::Q3_K, TensorType::Q4_K,
                                         TensorType::Q5_K, TensorType::Q6_K, TensorType::IQ4_NL, TensorType::IQ4_XS,
                                         TensorType::MXFP4),
                         [](const auto& format) { return std::string(traits(format.param)->name); });

TEST(GgufDequantizeFloats, PlainFloatsAreCopiedOrWidened) {
    const std::array<std::uint16_t, 2> halves{0x3C00, 0xC100};  // 1 and -2.5
    const std::array<std::uint16_t, 2> brains{0x3F80, 0xC020};
    const std::array<float, 2> singles{1.0F, -2.5F};
    std::array<float, 2> out{};
    const auto expand = [&](TensorType type, const void* bytes) {
        out = {};
        EXPECT_TRUE(dequantize(type, static_cast<const std::byte*>(bytes), 2, out.data()));
        EXPECT_EQ(out, singles) << traits(type)->name;
    };
    expand(TensorType::F16, halves.data());
    expand(TensorType::BF16, brains.data());
    expand(TensorType::F32, singles.data());
}

TEST(GgufDequantizeFloats, RefusesIntegersUnknownTypesAndPartsOfBlocks) {
    const std::array<std::byte, 64> bytes{};
    std::array<float, 64> out{};
    EXPECT_FALSE(dequantize(TensorType::I32, bytes.data(), 1, out.data()));
    EXPECT_FALSE(dequantize(TensorType::F64, bytes.data(), 1, out.data()));
    EXPECT_FALSE(dequantize(static_cast<TensorType>(9), bytes.data(), 32, out.data()));
    EXPECT_FALSE(dequantize(TensorType::Q4_0, bytes.data(), 31, out.data()));
    EXPECT_FALSE(dequantize(TensorType::Q4_0, bytes.data(), -32, out.data()));
}

TEST(GgufDequantizeFloats, LargestMxfp4ExponentIsFiniteWhereTheValueIs) {
    std::array<std::byte, 17> block{};
    block[0] = std::byte{255};
    block[1] = std::byte{1};  // element 0 is one half: 2^127
    std::array<float, 32> out{};
    ASSERT_TRUE(dequantize(TensorType::MXFP4, block.data(), 32, out.data()));
    EXPECT_EQ(out[0], 0x1p127F);
    EXPECT_EQ(out[1], 0.0F);
}

}  // namespace
}  // namespace sluice::local_engine
