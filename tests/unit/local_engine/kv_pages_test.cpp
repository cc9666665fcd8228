#include "local_engine/kv/pages.hpp"

#include <gtest/gtest.h>

#include <set>

namespace sluice::local_engine {
namespace {

TEST(Pages, AListGrowsByWholePagesAndReturnsThemWhenItEnds) {
    PagePool pool(4);
    {
        PageList list(pool);
        EXPECT_TRUE(list.grow_to(1));
        EXPECT_EQ(list.pages().size(), 1U);
        EXPECT_TRUE(list.grow_to(64));
        EXPECT_EQ(list.pages().size(), 1U);
        EXPECT_TRUE(list.grow_to(65));
        EXPECT_EQ(pool.available(), 2);
        EXPECT_TRUE(list.grow_to(10));  // never shrinks
        EXPECT_EQ(list.pages().size(), 2U);
    }
    EXPECT_EQ(pool.available(), 4);
}

TEST(Pages, AListThatCannotGrowKeepsWhatItHas) {
    PagePool pool(2);
    PageList list(pool);
    EXPECT_TRUE(list.grow_to(100));
    EXPECT_FALSE(list.grow_to(129));
    EXPECT_EQ(list.pages().size(), 2U);
}

TEST(Pages, NoPageBelongsToTwo) {
    PagePool pool(6);
    PageList a(pool);
    PageList b(pool);
    ASSERT_TRUE(a.grow_to(192));
    ASSERT_TRUE(b.grow_to(192));
    std::set<std::int32_t> all(a.pages().begin(), a.pages().end());
    all.insert(b.pages().begin(), b.pages().end());
    EXPECT_EQ(all.size(), 6U);
    PageList moved = std::move(a);
    EXPECT_EQ(moved.pages().size(), 3U);
    b = std::move(moved);
    EXPECT_EQ(pool.available(), 3);
}

TEST(Pages, SharedPagesAreFoundByNameAndContentAndFreedByTheLastUser) {
    PagePool pool(3);
    const std::vector<std::int32_t> tokens(64, 5);
    const PrefixKeys keys(core::Secret("secret"), "model");
    const PageKey key = PrefixKeys::next(keys.root("team"), tokens);
    PageList first(pool);
    ASSERT_TRUE(first.grow_to(64));
    EXPECT_FALSE(pool.find(key, tokens));
    first.share(0, key, tokens);
    ASSERT_TRUE(pool.find(key, tokens));
    EXPECT_FALSE(pool.find(key, std::vector<std::int32_t>(64, 6)));  // a collision of names is not a hit
    PageList second(pool);
    second.adopt(pool.find(key, tokens)->page);
    first.clear();
    EXPECT_EQ(pool.available(), 2);
    second.clear();
    EXPECT_EQ(pool.available(), 3);
    ASSERT_TRUE(pool.find(key, tokens));
    EXPECT_FALSE(pool.find(key, tokens)->used);
    PageList third(pool);
    ASSERT_TRUE(third.grow_to(192));  // needs all: the kept page gives way
    EXPECT_FALSE(pool.find(key, tokens));
    EXPECT_EQ(pool.kept(), 0);
}

TEST(PrefixKeys, DifferWithTeamModelSecretAndEveryToken) {
    std::vector<std::int32_t> tokens(64, 5);
    const PrefixKeys keys(core::Secret("secret"), "model");
    std::set<PageKey> all{keys.root("a"), keys.root("b"), keys.root(""), PrefixKeys(core::Secret("other"), "model").root("a"),
                          PrefixKeys(core::Secret("secret"), "model2").root("a"),
                          PrefixKeys(core::Secret("secret"), "odel").root("am")};  // fields are framed
    EXPECT_EQ(all.size(), 6U);
    const PageKey one = PrefixKeys::next(keys.root("a"), tokens);
    tokens[63] = 6;
    EXPECT_NE(one, PrefixKeys::next(keys.root("a"), tokens));
    EXPECT_NE(PrefixKeys::next(one, tokens), PrefixKeys::next(keys.root("a"), tokens));
}

}  // namespace
}  // namespace sluice::local_engine
