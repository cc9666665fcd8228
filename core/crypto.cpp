#include "core/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace sluice::core {

namespace {

// The one-shot EVP interfaces fetch an algorithm per call, which costs more than the hash of a key; the low-level
// functions are marked deprecated but stay in OpenSSL 3.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
constexpr std::size_t kBlock = SHA256_CBLOCK;
using Block = std::array<std::uint8_t, kBlock>;
using State = std::array<std::uint32_t, 8>;

SHA256_CTX begin() {
    SHA256_CTX context;
    if (SHA256_Init(&context) != 1) throw std::runtime_error("SHA-256 failed");
    return context;
}

// As if one block had been read, after which the state was `state`.
SHA256_CTX begin_after_block(const State& state) {
    SHA256_CTX context = begin();
    std::ranges::copy(state, context.h);
    context.Nl = kBlock * 8;  // bits so far
    return context;
}

State after_block(const Block& block) {
    SHA256_CTX context = begin();
    SHA256_Transform(&context, block.data());
    State state{};
    std::copy_n(context.h, state.size(), state.begin());
    OPENSSL_cleanse(&context, sizeof context);
    return state;
}

Digest end(SHA256_CTX context, std::string_view bytes) {
    Digest out{};
    if (SHA256_Update(&context, bytes.data(), bytes.size()) != 1 || SHA256_Final(out.data(), &context) != 1)
        throw std::runtime_error("SHA-256 failed");
    return out;
}
#pragma GCC diagnostic pop

template <class Array>
std::string_view view(const Array& array) {
    return {reinterpret_cast<const char*>(array.data()), array.size()};
}

}  // namespace

Digest sha256(std::string_view bytes) { return end(begin(), bytes); }

Hmac::Hmac(const Secret& key) {
    std::string block{key.expose()};
    if (block.size() > kBlock) block = std::string{view(sha256(block))};
    block.resize(kBlock, '\0');
    Block inner{};
    Block outer{};
    for (std::size_t i = 0; i < kBlock; ++i) {
        const auto byte = static_cast<std::uint8_t>(block[i]);
        inner[i] = byte ^ 0x36U;
        outer[i] = byte ^ 0x5cU;
    }
    inner_ = after_block(inner);
    outer_ = after_block(outer);
    OPENSSL_cleanse(block.data(), block.size());
    OPENSSL_cleanse(inner.data(), inner.size());
    OPENSSL_cleanse(outer.data(), outer.size());
}

Digest Hmac::mac(std::string_view bytes) const {
    const Digest inner = end(begin_after_block(inner_), bytes);
    return end(begin_after_block(outer_), view(inner));
}

bool equal_in_constant_time(const Digest& a, const Digest& b) { return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

std::string to_hex(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += kDigits[byte >> 4U];
        out += kDigits[byte & 15U];
    }
    return out;
}

std::string to_hex(const Digest& digest) { return to_hex(view(digest)); }

namespace {

void fill_random(char* out, std::size_t size) {
    if (RAND_bytes(reinterpret_cast<unsigned char*>(out), static_cast<int>(size)) != 1)
        throw std::runtime_error("the system's random generator failed");
}

// A generator call costs a microsecond whatever its size, and every request needs ids: for them each thread draws ahead and wipes
// what it hands out. Keys are longer and drawn when they are needed.
constexpr std::size_t kMostIdBytes = 16;
struct RandomStock {
    std::array<char, 512> bytes{};
    std::size_t left = 0;
};

}  // namespace

std::string random_bytes(std::size_t size) {
    std::string out(size, '\0');
    thread_local RandomStock stock;
    if (size > kMostIdBytes) {
        fill_random(out.data(), size);
        return out;
    }
    if (stock.left < size) {
        fill_random(stock.bytes.data(), stock.bytes.size());
        stock.left = stock.bytes.size();
    }
    char* next = stock.bytes.data() + (stock.bytes.size() - stock.left);
    std::copy(next, next + size, out.begin());
    OPENSSL_cleanse(next, size);
    stock.left -= size;
    return out;
}

std::string random_token(std::size_t bytes) {
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const std::string raw = random_bytes(bytes);
    std::string out;
    std::uint32_t bits = 0;
    int held = 0;
    for (const char c : raw) {
        bits = (bits << 8U) | static_cast<unsigned char>(c);
        for (held += 8; held >= 6; held -= 6) out += kAlphabet[(bits >> static_cast<unsigned>(held - 6)) & 63U];
    }
    if (held > 0) out += kAlphabet[(bits << static_cast<unsigned>(6 - held)) & 63U];
    return out;
}

}  // namespace sluice::core
