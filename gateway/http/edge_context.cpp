#include "gateway/http/edge_context.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <array>

namespace sluice::gateway {

namespace {

core::Error tls_error(const char* field, const std::string& path) {
    ERR_clear_error();
    return {.code = core::Errc::InvalidRequest, .detail = "cannot be used: " + path, .field = field};
}

// Answers http/1.1 to clients that ask; others are served without ALPN.
int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned offered_size, void*) {
    static constexpr std::array<unsigned char, 9> kProtocols{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, out_size, kProtocols.data(), kProtocols.size(), offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

// One client has a whole /64 of IPv6 addresses.
core::net::ip::address who(const core::net::ip::address& address) {
    if (!address.is_v6() || address.to_v6().is_v4_mapped()) return address;
    auto bytes = address.to_v6().to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
    return core::net::ip::address_v6(bytes);
}

}  // namespace

core::Result<SslContext> make_server_tls(const TlsFiles& files) {
    SslContext context(SSL_CTX_new(TLS_server_method()));
    if (!context) return core::Error{.code = core::Errc::Internal, .detail = "OpenSSL has no server method"};
    SSL_CTX* const tls = context.get();
    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    SSL_CTX_set_options(
        tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(tls,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(tls, 0);
    SSL_CTX_set_alpn_select_cb(tls, select_protocol, nullptr);
    if (SSL_CTX_set_cipher_list(tls, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL") != 1) {
        return core::Error{.code = core::Errc::Internal, .detail = "OpenSSL lacks the ciphers"};
    }
    // An encrypted key is an error, not a question on whatever terminal started the gateway.
    SSL_CTX_set_default_passwd_cb(tls, [](char*, int, int, void*) { return -1; });
    if (SSL_CTX_use_certificate_chain_file(tls, files.certificate_chain.c_str()) != 1) {
        return tls_error("server.tls_certificate", files.certificate_chain);
    }
    if (SSL_CTX_use_PrivateKey_file(tls, files.private_key.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(tls) != 1) {
        return tls_error("server.tls_key", files.private_key + " (not the certificate's key, or encrypted)");
    }
    return context;
}

ConnectionCaps::Verdict ConnectionCaps::enter(const core::net::ip::address& address) {
    const auto from = who(address);
    const std::lock_guard lock(mutex_);
    if (open_ >= total_) return Verdict::TooMany;
    if (per_ip_ > 0) {
        std::size_t& mine = by_ip_[from];
        if (mine >= per_ip_) return Verdict::TooManyFromHere;
        ++mine;
    }
    ++open_;
    return Verdict::Admitted;
}

void ConnectionCaps::leave(const core::net::ip::address& address) {
    const auto from = who(address);
    const std::lock_guard lock(mutex_);
    --open_;
    if (per_ip_ == 0) return;
    const auto entry = by_ip_.find(from);
    if (--entry->second == 0) by_ip_.erase(entry);
}

}  // namespace sluice::gateway
