#include "core/net/client_tls.hpp"

namespace sluice::core {

Result<std::unique_ptr<net::ssl::context>> make_client_tls(const std::filesystem::path& ca_file) {
    auto tls = std::make_unique<net::ssl::context>(net::ssl::context::tls_client);
    SSL_CTX* const context = tls->native_handle();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);  // idle connections give their record buffers back
    if (SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
        return Error{Errc::Internal, "OpenSSL has none of the required cipher suites"};
    tls->set_verify_mode(net::ssl::verify_peer);
    boost::system::error_code no_system_store;  // containers may have none; then only ca_file counts
    tls->set_default_verify_paths(no_system_store);
    if (!ca_file.empty()) {
        boost::system::error_code error;
        tls->load_verify_file(ca_file.string(), error);
        if (error) return Error{Errc::InvalidRequest, "cannot be read as PEM certificates", "ca_file"};
    }
    return tls;
}

}  // namespace sluice::core
