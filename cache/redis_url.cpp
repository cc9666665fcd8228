#include <charconv>

#include "cache/redis_client.hpp"

namespace sluice::cache {

namespace {

core::Error wrong(std::string detail) { return {.code = core::Errc::InvalidRequest, .detail = std::move(detail), .field = "redis_url"}; }

bool read_number(std::string_view text, int low, int high, int& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size() && out >= low && out <= high;
}

}  // namespace

core::Result<RedisConfig> parse_redis_url(const core::Secret& url) {
    RedisConfig config;
    std::string_view rest = url.expose();
    if (rest.starts_with("rediss://")) {
        config.tls = true;
        rest.remove_prefix(9);
    } else if (rest.starts_with("redis://")) {
        rest.remove_prefix(8);
    } else {
        return wrong("must start with redis:// or rediss://");
    }
    if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
        const auto user = rest.substr(0, at);
        const auto colon = user.find(':');
        if (colon == std::string_view::npos) return wrong("the part before @ must be user:password");
        config.user = user.substr(0, colon);
        config.password = core::Secret{std::string{user.substr(colon + 1)}};
        rest.remove_prefix(at + 1);
    }
    if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
        const auto database = rest.substr(slash + 1);
        if (!database.empty() && !read_number(database, 0, 65535, config.database)) return wrong("the database must be a number");
        rest = rest.substr(0, slash);
    }
    std::string_view port;
    if (rest.starts_with('[')) {
        const auto bracket = rest.find(']');
        if (bracket == std::string_view::npos) return wrong("the address has no closing bracket");
        config.host = rest.substr(1, bracket - 1);
        port = rest.substr(bracket + 1);
    } else {
        const auto colon = std::min(rest.find(':'), rest.size());
        config.host = rest.substr(0, colon);
        port = rest.substr(colon);
    }
    if (config.host.empty()) return wrong("has no host");
    int number = config.port;
    if (!port.empty() && (port[0] != ':' || !read_number(port.substr(1), 1, 65535, number))) return wrong("the port must be 1 to 65535");
    config.port = static_cast<std::uint16_t>(number);
    return config;
}

}  // namespace sluice::cache
