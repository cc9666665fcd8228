#include "providers/endpoint.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::providers {

namespace {

core::Error bad_url(std::string detail) {
    return {core::Errc::InvalidRequest, std::move(detail), "base_url"};
}

bool take(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

bool is_host_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == ':';
}

}  // namespace

std::string Endpoint::authority() const {
    std::string out = host.find(':') == std::string::npos ? host : "[" + host + "]";
    if (port != (tls ? 443 : 80)) out += ":" + std::to_string(port);
    return out;
}

core::Result<Endpoint> parse_base_url(std::string_view url) {
    const bool printable = std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < '\x7f'; });
    if (!printable) return bad_url("has a space, a control character or a byte outside of ASCII");
    Endpoint out;
    if (take(url, "https://")) out.tls = true;
    else if (take(url, "http://")) out.tls = false;
    else return bad_url("must begin with https:// or http://");
    if (url.find_first_of("?#@\\") != std::string_view::npos)
        return bad_url("may not have user info, query or fragment");

    const auto slash = std::min(url.find('/'), url.size());
    std::string_view authority = url.substr(0, slash);
    std::string_view port;
    if (take(authority, "[")) {
        const auto close = authority.find(']');
        if (close == std::string_view::npos) return bad_url("has an address without ]");
        port = authority.substr(close + 1);
        authority = authority.substr(0, close);
    } else if (const auto colon = authority.find(':'); colon != std::string_view::npos) {
        port = authority.substr(colon);
        authority = authority.substr(0, colon);
    }
    if (authority.empty() || !std::all_of(authority.begin(), authority.end(), is_host_character))
        return bad_url("has no valid host");
    out.host = authority;
    out.port = out.tls ? 443 : 80;
    if (!port.empty()) {
        const char* const end = port.data() + port.size();
        const auto [rest, failed] = std::from_chars(port.data() + 1, end, out.port);
        if (port.front() != ':' || failed != std::errc{} || rest != end || out.port == 0)
            return bad_url("has a port that is none");
    }
    url.remove_prefix(slash);
    while (url.ends_with('/')) url.remove_suffix(1);
    out.path = url;
    return out;
}

}  // namespace sluice::providers
