#include "router/placeholder_vault.hpp"

#include <gtest/gtest.h>

namespace sluice::router {
namespace {

using namespace std::chrono_literals;

policies::PlaceholderMap map_with(const std::string& value) {
    policies::PlaceholderMap map;
    policies::PlaceholderMaker{core::Secret{"c"}}.place("EMAIL", value, map);
    return map;
}

TEST(PlaceholderVault, GivesBackWhatItKeptToTheSameTeamConversationAndKeyOnly) {
    PlaceholderVault vault;
    const core::Secret key{"one"};
    vault.store({1}, {7}, key, map_with("anna@berg.net"), 60s);
    ASSERT_EQ(vault.find({1}, {7}, key).size(), 1U);
    EXPECT_EQ(vault.find({1}, {7}, key).at(0).value, "anna@berg.net");
    EXPECT_TRUE(vault.find({2}, {7}, key).empty());
    EXPECT_TRUE(vault.find({1}, {8}, key).empty());
    EXPECT_TRUE(vault.find({1}, {7}, core::Secret{"two"}).empty());
}

TEST(PlaceholderVault, ReplacesExpiresAndIsBounded) {
    PlaceholderVault vault{4000};
    const core::Secret key{"one"};
    const auto start = PlaceholderVault::Clock::now();
    vault.store({1}, {7}, key, map_with("anna@berg.net"), 60s, start);
    vault.store({1}, {7}, key, map_with("bob@berg.net"), 60s, start);
    EXPECT_EQ(vault.find({1}, {7}, key, start + 59s).at(0).value, "bob@berg.net");
    EXPECT_TRUE(vault.find({1}, {7}, key, start + 60s).empty());
    EXPECT_EQ(vault.bytes(), 0U);
    for (std::uint8_t i = 1; i < 200; ++i) vault.store({1}, {i}, key, map_with("a@b.de"), 60s, start);
    EXPECT_LE(vault.bytes(), 4000U);
    EXPECT_FALSE(vault.find({1}, {199}, key, start).empty());
    EXPECT_TRUE(vault.find({1}, {1}, key, start).empty());
    vault.store({1}, {7}, key, map_with(std::string(5000, 'x')), 60s, start);
    EXPECT_LE(vault.bytes(), 4000U);
}

}  // namespace
}  // namespace sluice::router
