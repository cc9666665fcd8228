// One HTTP request of a command: fetching a model file, asking a running gateway. Blocking; certificates are checked
// against the system's. Not for serving: providers/ has the pooled client.
#pragma once

#include "core/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::gateway::cli {

struct Url {
    bool tls = false;
    std::string host;  // IPv6 without brackets
    std::uint16_t port = 80;
    std::string target;     // "/path?query"
    std::string authority;  // for the Host header
};
// Errors: InvalidRequest for anything but http:// and https:// with a host.
core::Result<Url> parse_url(std::string_view text);

struct HttpCall {
    Url url;
    std::string method = "GET";
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::string body = {};
    std::chrono::milliseconds silence{60'000};  // longest wait for the next bytes
};

struct HttpHead {
    int status = 0;
    std::map<std::string, std::string> headers;  // names in lower case; of equal ones the first
    std::optional<std::uint64_t> content_length = std::nullopt;
};

// `head` may refuse the answer before its body is read; `piece` gets the body as it comes. An error of either ends the
// call and is returned. Success: the body was complete.
// Errors: Unavailable (cannot connect), Timeout, UpstreamFailed (cut or not HTTP).
core::Result<void> call(const HttpCall& request, const std::function<core::Result<void>(const HttpHead&)>& head,
                        const std::function<core::Result<void>(std::string_view)>& piece);

}  // namespace sluice::gateway::cli
