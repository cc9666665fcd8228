// Where a provider is reached, from its base_url in the configuration.
#pragma once

#include "core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::providers {

struct Endpoint {
    bool tls = true;
    std::string host;  // a name or an address; IPv6 without brackets
    std::uint16_t port = 443;
    std::string path;  // prefix without trailing slash: "/v1", or empty

    // For the Host header: brackets round IPv6, the port unless it is the scheme's own.
    std::string authority() const;
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// "https://api.openai.com/v1", "http://127.0.0.1:8000/v1/". Errors: InvalidRequest (user info, query, fragment, other
// schemes, control characters).
core::Result<Endpoint> parse_base_url(std::string_view url);

}  // namespace sluice::providers
