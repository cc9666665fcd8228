#include "cache/sealed_box.hpp"

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>

#include "core/crypto.hpp"

namespace sluice::cache {

namespace {

constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;

struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

SealedBox::SealedBox(const core::Secret& secret, std::string_view purpose) {
    const auto digest = core::Hmac{secret}.mac("sealed box:" + std::string{purpose});
    key_ = core::Secret{std::string(reinterpret_cast<const char*>(digest.data()), digest.size())};
}

std::string SealedBox::seal(std::string_view plain, std::string_view context) const {
    std::string out = core::random_bytes(kNonce);
    out.resize(kNonce + plain.size() + kTag);
    const Context cipher{EVP_CIPHER_CTX_new()};
    int length = 0;
    const bool good = cipher && EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key_.expose()), bytes(out)) == 1 &&
                      EVP_EncryptUpdate(cipher.get(), nullptr, &length, bytes(context), static_cast<int>(context.size())) == 1 &&
                      EVP_EncryptUpdate(cipher.get(), bytes(out) + kNonce, &length, bytes(plain), static_cast<int>(plain.size())) == 1 &&
                      EVP_EncryptFinal_ex(cipher.get(), bytes(out) + kNonce + length, &length) == 1 &&
                      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTag, bytes(out) + kNonce + plain.size()) == 1;
    if (!good) throw std::runtime_error("AES-256-GCM failed");
    return out;
}

std::optional<std::string> SealedBox::open(std::string_view sealed, std::string_view context) const {
    if (sealed.size() < kNonce + kTag) return std::nullopt;
    const auto cipher_text = sealed.substr(kNonce, sealed.size() - kNonce - kTag);
    std::string tag{sealed.substr(sealed.size() - kTag)};
    std::string plain(cipher_text.size(), '\0');
    const Context cipher{EVP_CIPHER_CTX_new()};
    int length = 0;
    const bool good = cipher && EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key_.expose()), bytes(sealed)) == 1 &&
                      EVP_DecryptUpdate(cipher.get(), nullptr, &length, bytes(context), static_cast<int>(context.size())) == 1 &&
                      EVP_DecryptUpdate(cipher.get(), bytes(plain), &length, bytes(cipher_text), static_cast<int>(cipher_text.size())) == 1 &&
                      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTag, bytes(tag)) == 1 &&
                      EVP_DecryptFinal_ex(cipher.get(), bytes(plain) + length, &length) == 1;
    if (!good) return std::nullopt;
    return plain;
}

}  // namespace sluice::cache
