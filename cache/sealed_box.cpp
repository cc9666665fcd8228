#include "cache/sealed_box.hpp"

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>

namespace sluice::cache {

namespace {

// Layout: version, nonce, ciphertext, tag.
constexpr char kVersion = 1;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kOverhead = 1 + kNonceBytes + kTagBytes;
constexpr std::size_t kMostBytes = std::size_t{1} << 30U;  // OpenSSL counts in int

struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text, std::size_t offset) {
    return reinterpret_cast<unsigned char*>(text.data()) + offset;
}
int length_of(std::string_view text) {
    return static_cast<int>(text.size());
}

void require(int done) {
    if (done != 1) throw std::runtime_error("OpenSSL: AES-256-GCM failed");
}

}  // namespace

SealedBox::SealedBox(const core::Secret& secret, std::string_view purpose) {
    const auto derived = core::Hmac(secret).mac(purpose);
    key_ = core::Secret(std::string(derived.begin(), derived.end()));
}

std::string SealedBox::seal(std::string_view plain, std::string_view context) const {
    if (plain.size() > kMostBytes) throw std::runtime_error("too much to seal");
    const std::string nonce = core::random_bytes(kNonceBytes);
    std::string out(kOverhead + plain.size(), kVersion);
    out.replace(1, kNonceBytes, nonce);
    const Context cipher(EVP_CIPHER_CTX_new());
    int written = 0;
    require(EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key_.expose()), bytes_of(nonce)));
    require(EVP_EncryptUpdate(cipher.get(), nullptr, &written, bytes_of(context), length_of(context)));
    require(
        EVP_EncryptUpdate(cipher.get(), bytes_of(out, 1 + kNonceBytes), &written, bytes_of(plain), length_of(plain)));
    const std::size_t tag = 1 + kNonceBytes + plain.size();
    require(EVP_EncryptFinal_ex(cipher.get(), bytes_of(out, tag), &written));
    require(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, bytes_of(out, tag)));
    return out;
}

std::optional<std::string> SealedBox::open(std::string_view sealed, std::string_view context) const {
    if (sealed.size() < kOverhead || sealed.size() > kMostBytes || sealed.front() != kVersion) return std::nullopt;
    const auto nonce = sealed.substr(1, kNonceBytes);
    const auto hidden = sealed.substr(1 + kNonceBytes, sealed.size() - kOverhead);
    std::string tag(sealed.substr(sealed.size() - kTagBytes));
    std::string plain(hidden.size() + 1, '\0');  // never empty: OpenSSL takes a null pointer for another call
    const Context cipher(EVP_CIPHER_CTX_new());
    int written = 0;
    require(EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key_.expose()), bytes_of(nonce)));
    require(EVP_DecryptUpdate(cipher.get(), nullptr, &written, bytes_of(context), length_of(context)));
    require(EVP_DecryptUpdate(cipher.get(), bytes_of(plain, 0), &written, bytes_of(hidden), length_of(hidden)));
    require(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, bytes_of(tag, 0)));
    if (EVP_DecryptFinal_ex(cipher.get(), bytes_of(plain, hidden.size()), &written) != 1) return std::nullopt;
    plain.resize(hidden.size());
    return plain;
}

}  // namespace sluice::cache
