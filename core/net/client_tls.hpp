// TLS settings for connections that this program opens.
#pragma once

#include "core/async.hpp"
#include "core/result.hpp"

#include <boost/asio/ssl/context.hpp>

#include <filesystem>
#include <memory>

namespace sluice::core {

// TLS 1.2 and 1.3 with forward secrecy only; peers are verified against the system's certificates and those of
// `ca_file` (PEM; empty: none). May be shared by streams of several threads. Errors: InvalidRequest when `ca_file` is
// unusable.
Result<std::unique_ptr<net::ssl::context>> make_client_tls(const std::filesystem::path& ca_file);

}  // namespace sluice::core
