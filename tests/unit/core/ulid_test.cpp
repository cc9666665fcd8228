#include "core/ulid.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace sluice::core {
namespace {

TEST(Ulid, TimeComesFirstAsTheSpecificationHasIt) {
    EXPECT_EQ(make_ulid(1'469'918'176'385).substr(0, 10), "01ARYZ6S41");  // the example of github.com/ulid/spec
    EXPECT_EQ(make_ulid(0).substr(0, 10), "0000000000");
    EXPECT_EQ(make_ulid(0xffff'ffff'ffff).substr(0, 10), "7ZZZZZZZZZ");
}

TEST(Ulid, SortsByTimeAndNeverComesTwice) {
    std::set<std::string> seen;
    std::string before;
    for (std::int64_t time = 1'764'000'000'000; time < 1'764'000'001'000; ++time) {
        const auto first = make_ulid(time);
        const auto second = make_ulid(time);
        EXPECT_EQ(first.size(), 26U);
        EXPECT_EQ(first.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ"), std::string::npos);
        EXPECT_GT(first, before);
        EXPECT_TRUE(seen.insert(first).second && seen.insert(second).second);
        before = std::max(first, second);
    }
}

}  // namespace
}  // namespace sluice::core
