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

}  // namespace
}  // namespace sluice::local_engine
