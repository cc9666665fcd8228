#include "tests/support/test_certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>

namespace sluice::testing {

namespace {

template <auto Free>
struct Freed {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;

constexpr long kDay = 24L * 3600;

void require(bool done) {
    if (!done) throw std::runtime_error("OpenSSL cannot make a test certificate");
}

template <class Write>
std::string pem(Write write) {
    const std::unique_ptr<BIO, Freed<BIO_free_all>> memory(BIO_new(BIO_s_mem()));
    require(memory && write(memory.get()) == 1);
    char* bytes = nullptr;
    const long size = BIO_ctrl(memory.get(), BIO_CTRL_INFO, 0, &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

void add_extension(X509* certificate, X509* issuer, int kind, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> extension(
        X509V3_EXT_conf_nid(nullptr, &context, kind, value));
    require(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

struct Wish {
    const char* name;
    const char* alternative_names;  // null: an authority
    long begins;                    // seconds from now
    long ends;
};

X509Ptr make(const Wish& wish, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
    static long serial = 1;
    X509Ptr certificate(X509_new());
    X509* const made = certificate.get();
    require(made != nullptr && X509_set_version(made, 2) == 1);
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
    require(X509_gmtime_adj(X509_getm_notBefore(made), wish.begins) != nullptr);
    require(X509_gmtime_adj(X509_getm_notAfter(made), wish.ends) != nullptr);
    require(X509_set_pubkey(made, key) == 1);
    std::string name = wish.name;
    require(X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
                                       reinterpret_cast<unsigned char*>(name.data()), -1, -1, 0) == 1);
    X509* const signer = issuer != nullptr ? issuer : made;
    require(X509_set_issuer_name(made, X509_get_subject_name(signer)) == 1);
    add_extension(made, signer, NID_basic_constraints,
                  wish.alternative_names == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
    if (wish.alternative_names != nullptr) add_extension(made, signer, NID_subject_alt_name, wish.alternative_names);
    require(X509_sign(made, issuer_key, EVP_sha256()) > 0);
    return certificate;
}

Key make_key() {
    return Key(EVP_EC_gen("P-256"));
}

std::string certificate_pem(X509* certificate) {
    return pem([certificate](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

TestCertificates make_all() {
    const Key authority_key = make_key();
    require(authority_key != nullptr);
    const auto authority =
        make({"Sluice test authority", nullptr, -kDay, kDay}, authority_key.get(), nullptr, authority_key.get());
    const auto server = [&](const Wish& wish, bool signed_by_itself) {
        const Key key = make_key();
        const auto certificate = signed_by_itself ? make(wish, key.get(), nullptr, key.get())
                                                  : make(wish, key.get(), authority.get(), authority_key.get());
        return Certificate{certificate_pem(certificate.get()), pem([&key](BIO* out) {
                               return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
                           })};
    };
    constexpr const char* kHere = "DNS:localhost,IP:127.0.0.1,IP:::1";
    return {.authority_pem = certificate_pem(authority.get()),
            .good = server({"localhost", kHere, -kDay, kDay}, false),
            .expired = server({"localhost", kHere, -2 * kDay, -kDay}, false),
            .wrong_host = server({"elsewhere.invalid", "DNS:elsewhere.invalid", -kDay, kDay}, false),
            .self_signed = server({"localhost", kHere, -kDay, kDay}, true)};
}

}  // namespace

const TestCertificates& test_certificates() {
    static const TestCertificates made = make_all();
    return made;
}

}  // namespace sluice::testing
