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
Digest hash_two(std::string_view first, std::string_view second) {
    SHA256_CTX context;
    Digest out{};
    if (SHA256_Init(&context) != 1 || SHA256_Update(&context, first.data(), first.size()) != 1 ||
        SHA256_Update(&context, second.data(), second.size()) != 1 || SHA256_Final(out.data(), &context) != 1)
        throw std::runtime_error("SHA-256 failed");
    return out;
}
#pragma GCC diagnostic pop

template <class Array>
std::string_view view(const Array& array) {
    return {reinterpret_cast<const char*>(array.data()), array.size()};
}

}  // namespace

Digest sha256(std::string_view bytes) { return hash_two(bytes, {}); }

Hmac::Hmac(const Secret& key) {
    std::string block{key.expose()};
    if (block.size() > inner_pad_.size()) block = std::string{view(sha256(block))};
    block.resize(inner_pad_.size(), '\0');
    for (std::size_t i = 0; i < block.size(); ++i) {
        const auto byte = static_cast<std::uint8_t>(block[i]);
        inner_pad_[i] = byte ^ 0x36U;
        outer_pad_[i] = byte ^ 0x5cU;
    }
    OPENSSL_cleanse(block.data(), block.size());
}

Digest Hmac::mac(std::string_view bytes) const {
    const Digest inner = hash_two(view(inner_pad_), bytes);
    return hash_two(view(outer_pad_), view(inner));
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
