#include "gateway/config/values.hpp"

#include <gtest/gtest.h>

namespace sluice::gateway {
namespace {

using namespace std::chrono_literals;

TEST(ConfigValues, IntegersAreDigitsAndNothingElse) {
    EXPECT_EQ(parse_integer("-42"), -42);
    EXPECT_EQ(parse_integer("9223372036854775807"), INT64_MAX);
    for (const auto* bad : {"", " 1", "1 ", "+1", "0x10", "1.5", "1e3", "9223372036854775808", "--1"}) {
        EXPECT_EQ(parse_integer(bad), std::nullopt) << bad;
    }
}

TEST(ConfigValues, SizesTakeBinaryAndDecimalUnits) {
    EXPECT_EQ(parse_bytes("65536"), 65536U);
    EXPECT_EQ(parse_bytes("64KiB"), 65536U);
    EXPECT_EQ(parse_bytes("16 MiB"), 16U << 20U);
    EXPECT_EQ(parse_bytes("2GB"), 2'000'000'000U);
    EXPECT_EQ(parse_bytes("8388607TiB"), 8388607ULL << 40U);
    for (const auto* bad : {"", "MiB", "-1", "1.5MiB", "1mib", "8388608TiB", "18446744073709551616", "1 KiB "}) {
        EXPECT_EQ(parse_bytes(bad), std::nullopt) << bad;
    }
}

TEST(ConfigValues, DurationsWithoutUnitAreSeconds) {
    EXPECT_EQ(parse_duration("30"), 30s);
    EXPECT_EQ(parse_duration("250ms"), 250ms);
    EXPECT_EQ(parse_duration("10m"), 10min);
    EXPECT_EQ(parse_duration("1h"), 1h);
    for (const auto* bad : {"", "s", "-1s", "1.5s", "1w", "9223372036854775807h"}) {
        EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
    }
}

TEST(ConfigValues, AddressesNeedHostAndPort) {
    EXPECT_EQ(parse_host_port("127.0.0.1:8080"), (HostPort{"127.0.0.1", 8080}));
    EXPECT_EQ(parse_host_port("[::1]:0"), (HostPort{"::1", 0}));
    EXPECT_EQ(parse_host_port("ai.example.com:443"), (HostPort{"ai.example.com", 443}));
    for (const auto* bad : {"", "x", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80",
                            "[::1", "[zz]:80", "a b:80", "host:-0", "host:8o"}) {
        EXPECT_EQ(parse_host_port(bad), std::nullopt) << bad;
    }
    EXPECT_EQ(parse_listen_address("localhost:80"), (HostPort{"127.0.0.1", 80}));
    EXPECT_EQ(parse_listen_address("ai.example.com:443"), std::nullopt);
    EXPECT_EQ(to_string(HostPort{"::1", 80}), "[::1]:80");
}

TEST(ConfigValues, LoopbackIsLoopbackOnly) {
    EXPECT_TRUE(is_loopback({"127.0.0.1", 1}));
    EXPECT_TRUE(is_loopback({"127.9.9.9", 1}));
    EXPECT_TRUE(is_loopback({"::1", 1}));
    EXPECT_TRUE(is_loopback({"localhost", 1}));
    for (const auto* open :
         {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "localhost.example.com", "127.0.0.1.example.com"}) {
        EXPECT_FALSE(is_loopback({open, 1})) << open;
    }
}

TEST(ConfigValues, EnvironmentIsExpandedOnceAndMissingNamesAreErrors) {
    const Environment environment = [](const std::string& name) -> std::optional<std::string> {
        if (name == "KEY") return "a${OTHER}b";
        return std::nullopt;
    };
    EXPECT_EQ(*expand_environment("x-${KEY}-y", environment), "x-a${OTHER}b-y");
    EXPECT_EQ(*expand_environment("$${KEY} $5 $$", environment), "${KEY} $5 $$");
    EXPECT_EQ(expand_environment("${ABSENT}", environment).error().detail, "the environment has no ABSENT");
    for (const auto* bad : {"${", "${}", "${A B}", "${A", "${a-b}"})
        EXPECT_FALSE(expand_environment(bad, environment)) << bad;
}

TEST(ConfigValues, NearestIsASlipOfTheHandOnly) {
    const std::vector<std::string> known{"--listen", "--data", "--model"};
    EXPECT_EQ(nearest("--lisen", known), "--listen");
    EXPECT_EQ(nearest("--modle", known), "--model");
    EXPECT_EQ(nearest("--verbose", known), std::nullopt);
    EXPECT_EQ(nearest("", known), std::nullopt);
}

}  // namespace
}  // namespace sluice::gateway
