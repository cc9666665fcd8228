// parse_redis_url() of redis_client.hpp.
#include "cache/redis_client.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace sluice::cache {

namespace {

using core::Errc;
using core::Error;
using core::Result;

// Messages never repeat the URL: it may hold a password.
Error bad_url(std::string detail) {
    return {Errc::InvalidRequest, std::move(detail), "redis_url"};
}

bool take(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

template <class Integer>
bool read_number(std::string_view text, Integer& out) {
    const auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
    return failed == std::errc{} && rest == text.data() + text.size();
}

// %XX of a password; nullopt when it is cut or no hexadecimal number.
std::optional<std::string> unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        unsigned char byte = 0;
        const auto digits = text.substr(i + 1, 2);
        const auto [rest, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
        if (digits.size() != 2 || failed != std::errc{} || rest != digits.data() + 2) return std::nullopt;
        out += static_cast<char>(byte);
        i += 2;
    }
    return out;
}

// "user:password@" in front of the host.
Result<void> read_user(std::string_view text, RedisConfig& config) {
    const auto colon = text.find(':');
    const auto user = unescape(text.substr(0, colon));
    auto password = colon == std::string_view::npos ? std::optional<std::string>{} : unescape(text.substr(colon + 1));
    if (!user || !password || password->empty()) return bad_url("has a user without a valid password");
    config.user = *user;
    config.password = core::Secret(std::move(*password));
    return {};
}

Result<void> read_host(std::string_view text, RedisConfig& config) {
    std::string_view port;
    if (take(text, "[")) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) return bad_url("has an address without ]");
        port = text.substr(close + 1);
        text = text.substr(0, close);
    } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
        port = text.substr(colon);
        text = text.substr(0, colon);
    }
    if (text.empty()) return bad_url("has no host");
    config.host = text;
    if (port.empty()) return {};
    if (port.front() != ':' || !read_number(port.substr(1), config.port) || config.port == 0)
        return bad_url("has a port that is none");
    return {};
}

}  // namespace

Result<RedisConfig> parse_redis_url(const core::Secret& url) {
    std::string_view text = url.expose();
    if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; }))
        return bad_url("has a space, a control character or a byte outside of ASCII");
    RedisConfig config;
    if (take(text, "rediss://")) config.tls = true;
    else if (!take(text, "redis://")) return bad_url("must begin with redis:// or rediss://");
    if (const auto at = text.rfind('@'); at != std::string_view::npos) {
        if (auto read = read_user(text.substr(0, at), config); !read) return read.error();
        text.remove_prefix(at + 1);
    }
    const auto slash = std::min(text.find('/'), text.size());
    const auto path = text.substr(slash);
    if (auto read = read_host(text.substr(0, slash), config); !read) return read.error();
    if (path.size() > 1 && (!read_number(path.substr(1), config.database) || config.database < 0))
        return bad_url("has a database that is no number");
    return config;
}

}  // namespace sluice::cache
