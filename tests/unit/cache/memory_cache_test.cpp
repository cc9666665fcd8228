#include "cache/memory_cache.hpp"

#include "cache/reply_codec.hpp"
#include "cache/sealed_box.hpp"
#include "tests/unit/cache/keys.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace sluice::cache {
namespace {

using std::chrono::seconds;

CachedReply reply(const std::string& body) {
    return {.body = body,
            .usage = {.prompt = 3, .completion = 4, .cached = 1},
            .target = "deepseek/x",
            .zone = core::Zone::Cloud};
}
CachedReply stream_reply() {
    return {.chunks = {"{\"a\":1}", "", "{}"}, .usage = {.estimated = true}, .target = "t"};
}

TEST(MemoryCache, GivesBackWhatWasStoredAndNothingElse) {
    MemoryCache cache;
    cache.store_now(key("a"), reply("A"));
    cache.store_now(key("b"), stream_reply());
    EXPECT_EQ(cache.find_now(key("a")), reply("A"));
    EXPECT_EQ(cache.find_now(key("b")), stream_reply());
    EXPECT_EQ(cache.find_now(key("c")), std::nullopt);
    cache.store_now(key("a"), reply("B"));
    EXPECT_EQ(cache.find_now(key("a")), reply("B"));
    EXPECT_EQ(cache.entries(), 2U);
}

TEST(MemoryCache, WorksAsACoroutine) {
    core::net::io_context loop;
    MemoryCache cache;
    run(loop, cache.store(key("a"), reply("A")));
    EXPECT_EQ(run(loop, cache.find(key("a"))), reply("A"));
}

TEST(MemoryCache, AnswersExpire) {
    MemoryCache cache({.time_to_live = seconds(60)});
    const auto now = MemoryCache::Clock::now();
    cache.store_now(key("a"), reply("A"), now);
    EXPECT_TRUE(cache.find_now(key("a"), now + seconds(59)));
    EXPECT_FALSE(cache.find_now(key("a"), now + seconds(60)));
    EXPECT_EQ(cache.entries(), 0U);
    EXPECT_EQ(cache.bytes(), 0U);
}

TEST(MemoryCache, DropsTheLeastRecentlyUsedWhenFull) {
    MemoryCache cache({.max_bytes = 10'000, .shards = 1});
    for (const char* name : {"a", "b", "c"}) cache.store_now(key(name), reply(std::string(2'500, 'x')));
    EXPECT_TRUE(cache.find_now(key("a")));  // now b is the one unused for longest
    cache.store_now(key("d"), reply(std::string(2'500, 'x')));
    EXPECT_TRUE(cache.find_now(key("a")));
    EXPECT_FALSE(cache.find_now(key("b")));
    EXPECT_TRUE(cache.find_now(key("c")));
    EXPECT_TRUE(cache.find_now(key("d")));
}

TEST(MemoryCache, NeverHoldsMoreThanItsBytes) {
    MemoryCache cache({.max_bytes = 200'000, .shards = 4});
    for (int i = 0; i < 2'000; ++i) {
        cache.store_now(key(std::to_string(i)), reply(std::string(static_cast<std::size_t>(i * 37 % 5'000), 'x')));
        ASSERT_LE(cache.bytes(), 200'000U);
    }
    EXPECT_GT(cache.entries(), 10U);
}

TEST(MemoryCache, WhatIsTooBigIsNotKeptAndCostsNothingElse) {
    MemoryCache cache({.max_bytes = 10'000, .shards = 1});
    cache.store_now(key("a"), reply("A"));
    cache.store_now(key("big"), reply(std::string(20'000, 'x')));
    EXPECT_FALSE(cache.find_now(key("big")));
    EXPECT_TRUE(cache.find_now(key("a")));
}

TEST(MemoryCache, IsSharedByThreads) {
    MemoryCache cache({.max_bytes = 100'000, .shards = 4});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&cache, t] {
            for (int i = 0; i < 2'000; ++i) {
                const std::string name = std::to_string((i * 7 + t) % 300);
                if (const auto found = cache.find_now(key(name))) EXPECT_EQ(found->body, "body " + name);
                else cache.store_now(key(name), reply("body " + name));
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_LE(cache.bytes(), 100'000U);
}

TEST(ReplyCodec, ReadsBackWhatItWroteAndRefusesEverythingElse) {
    for (const auto& original : {reply("A"), stream_reply(), CachedReply{}}) {
        const std::string bytes = encode_reply(original);
        EXPECT_EQ(decode_reply(bytes), original);
        for (std::size_t size = 0; size < bytes.size(); ++size)
            EXPECT_FALSE(decode_reply(bytes.substr(0, size))) << size;
        EXPECT_FALSE(decode_reply(bytes + "x"));
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            std::string changed = bytes;
            changed[i] = '\xff';
            static_cast<void>(decode_reply(changed));  // must not run off; what it says does not matter
        }
    }
}

TEST(SealedBox, OpensOnlyWhatItSealedForTheSameContext) {
    const SealedBox box(core::Secret("secret"), "purpose");
    for (const auto& plain : {std::string(), std::string("hello"), std::string(100'000, 'x')}) {
        const std::string sealed = box.seal(plain, "context");
        EXPECT_EQ(box.open(sealed, "context"), plain);
        EXPECT_EQ(box.open(sealed, "contexT"), std::nullopt);
        EXPECT_EQ(SealedBox(core::Secret("secret"), "other").open(sealed, "context"), std::nullopt);
        EXPECT_EQ(SealedBox(core::Secret("Secret"), "purpose").open(sealed, "context"), std::nullopt);
        EXPECT_NE(box.seal(plain, "context"), sealed) << "a fresh nonce each time";
    }
    const std::string sealed = box.seal("hello", "context");
    EXPECT_EQ(sealed.find("hello"), std::string::npos);
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        std::string changed = sealed;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        EXPECT_EQ(box.open(changed, "context"), std::nullopt) << "byte " << i;
        EXPECT_EQ(box.open(sealed.substr(0, i), "context"), std::nullopt);
    }
}

}  // namespace
}  // namespace sluice::cache
