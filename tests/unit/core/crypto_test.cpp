#include "core/crypto.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <set>

namespace sluice::core {
namespace {

TEST(Crypto, HmacAgreesWithOpenSslForKeysOfAllLengths) {
    for (const std::size_t key_size : {0U, 1U, 32U, 63U, 64U, 65U, 200U}) {
        const std::string key = random_bytes(key_size);
        for (const std::size_t size : {0U, 1U, 55U, 56U, 64U, 1000U}) {
            const std::string text = random_bytes(size);
            Digest expected{};
            unsigned length = 0;
            HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                 expected.data(), &length);
            EXPECT_EQ(Hmac{Secret{key}}.mac(text), expected) << key_size << " " << size;
        }
    }
}

TEST(Crypto, TokensAreUrlSafeAndDiffer) {
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        const auto token = random_token(32);
        EXPECT_EQ(token.size(), 43U);
        EXPECT_EQ(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), std::string::npos);
        EXPECT_TRUE(seen.insert(token).second);
    }
}

TEST(Crypto, HexAndSha256) {
    EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace sluice::core
