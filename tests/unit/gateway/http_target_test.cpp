#include "gateway/http/router_table.hpp"
#include "gateway/http/target.hpp"

#include <gtest/gtest.h>

namespace sluice::gateway {
namespace {

Target parsed(std::string_view raw) {
    Target target;
    EXPECT_FALSE(parse_target(raw, target)) << raw;
    return target;
}

TEST(Target, SplitsPathAndQuery) {
    const Target target = parsed("/v1/models?limit=5&after=a%20b");
    EXPECT_EQ(target.path, "/v1/models");
    EXPECT_EQ(target.query, "limit=5&after=a%20b");
    EXPECT_EQ(target.encoded_slash, std::string::npos);
}

TEST(Target, DecodesOnce) {
    EXPECT_EQ(parsed("/%61%2541").path, "/a%41");
    EXPECT_EQ(parsed("/a%2fb%2Fc").encoded_slash, 2U);
    EXPECT_EQ(parsed("/caf%C3%A9").path, "/caf\xc3\xa9");
}

TEST(Target, AbsoluteFormHasAnAuthority) {
    const Target target = parsed("https://Example.test:8443/v1?x");
    EXPECT_EQ(target.authority, "Example.test:8443");
    EXPECT_EQ(target.path, "/v1");
    EXPECT_EQ(target.query, "x");
    EXPECT_EQ(parsed("http://a?x=1").path, "/");
}

TEST(Target, RefusesWhatOthersMightReadDifferently) {
    for (const std::string_view raw :
         {"",       "*",      "a",    "/a b",  "/a#b",    "/..",       "/a/..",       "/a/../b",       "/a/%2e%2e/b",
          "/%2e",   "/.",     "/a%",  "/a%2",  "/a%gg",   "/a%00",     "/a%0d",       "/a%7f",         "/a\\b",
          "/a%5cb", "/a\"b",  "/a<b", "/a{b}", "http://", "http:///a", "http://a:b/", "http://u:p@a/", "ws://a/",
          "//",     "/a?b#c", "/a?b%"}) {
        Target target;
        const bool refused = parse_target(raw, target).has_value();
        EXPECT_EQ(refused, raw != "//") << raw;  // an empty segment is a path like any other, which no route has
    }
}

TEST(Target, AuthoritiesAreNamesAndAddresses) {
    for (const std::string_view good :
         {"a", "a.b-c_d", "a:1", "a:65535", "a:", "127.0.0.1:80", "[::1]", "[2001:db8::1]:443", "[::ffff:1.2.3.4]"}) {
        EXPECT_TRUE(valid_authority(good)) << good;
    }
    for (const std::string_view bad : {"", ":80", "a:b", "a:65536", "a:123456", "a:-1", "a b", "a/b", "a@b", "a,b", "[",
                                       "[]", "[::1", "[g::]", "[1]", "[::1]x", "[::1]80", "a%41"}) {
        EXPECT_FALSE(valid_authority(bad)) << bad;
    }
    EXPECT_EQ(host_of("a.b:80"), "a.b");
    EXPECT_EQ(host_of("[::1]:80"), "::1");
}

Route route(std::string method, std::string path) {
    return {std::move(method), std::move(path), Permission::Anyone, 0,
            [](Exchange&, CallerPtr) -> core::awaitable<void> { co_return; }};
}

std::vector<Route> some_routes() {
    std::vector<Route> routes;
    routes.push_back(route("GET", "/v1/models"));
    routes.push_back(route("GET", "/v1/models/{id}"));
    routes.push_back(route("DELETE", "/v1/models/{id}"));
    routes.push_back(route("GET", "/v1/models/special/{id}"));
    routes.push_back(route("POST", "/v1/route"));
    return routes;
}

TEST(RouterTable, FindsLiteralsParametersAndHead) {
    const RouterTable table(some_routes());
    EXPECT_EQ(table.find("GET", parsed("/v1/models")).route->path, "/v1/models");
    EXPECT_EQ(table.find("HEAD", parsed("/v1/models")).route->method, "GET");
    const auto match = table.find("DELETE", parsed("/v1/models/a"));
    EXPECT_EQ(match.route->method, "DELETE");
    EXPECT_EQ(match.parameter_at, std::string("/v1/models/").size());
    EXPECT_EQ(table.find("GET", parsed("/v1/models/deepseek%2Fchat")).route->path, "/v1/models/{id}");
    EXPECT_EQ(table.find("GET", parsed("/v1/models/special/x")).route->path, "/v1/models/special/{id}");
}

TEST(RouterTable, SaysWhatAPathAllows) {
    const RouterTable table(some_routes());
    EXPECT_EQ(table.find("POST", parsed("/v1/models")).allow, "GET, HEAD");
    EXPECT_EQ(table.find("POST", parsed("/v1/models/a")).allow, "GET, HEAD, DELETE");
    EXPECT_EQ(table.find("GET", parsed("/v1/route")).allow, "POST");
    EXPECT_EQ(table.find("HEAD", parsed("/v1/route")).route, nullptr);
    EXPECT_EQ(table.find("GET", parsed("/v1/nothing")).allow, "");
}

TEST(RouterTable, AnEncodedSlashNeverReachesALiteralRoute) {
    const RouterTable table(some_routes());
    EXPECT_EQ(table.find("GET", parsed("/v1%2Fmodels")).route, nullptr);
    EXPECT_EQ(table.find("GET", parsed("/v1/models%2Fa")).route, nullptr);
}

TEST(RouterTable, AMistakeInTheRoutesStopsTheStart) {
    std::vector<Route> twice;
    twice.push_back(route("GET", "/a"));
    twice.push_back(route("GET", "/a"));
    EXPECT_THROW(RouterTable{std::move(twice)}, std::invalid_argument);
    std::vector<Route> relative;
    relative.push_back(route("GET", "a"));
    EXPECT_THROW(RouterTable{std::move(relative)}, std::invalid_argument);
}

}  // namespace
}  // namespace sluice::gateway
