#include "cache/cache_key.hpp"

#include "cache/response_cache.hpp"
#include "tests/unit/cache/keys.hpp"

#include <gtest/gtest.h>

#include <set>

namespace sluice::cache {
namespace {

using core::DataClass;

Key key_of(const core::ChatRequest& asked, std::int64_t team = 1, DataClass data_class = DataClass::Public,
           std::string_view policy = "p1", MayLeaveProcess reach = MayLeaveProcess::Yes) {
    return maker().make(asked, caller(team), data_class, policy, reach);
}

core::ChatRequest parsed(const std::string& json) {
    return *core::ChatRequest::from_json(std::move(*core::parse_json(json)));
}

TEST(CacheKey, DiffersWhenAnythingThatMattersDiffers) {
    const std::vector<Key> keys{
        key_of(request()),
        key_of(request(), 2),
        key_of(request(), 1, DataClass::Internal),
        key_of(request(), 1, DataClass::Public, "p2"),
        key_of(request(), 1, DataClass::Public, "p1", MayLeaveProcess::No),
        key_of(request({}, "other")),
        key_of(request(R"(,"temperature":0)")),
        key_of(request(R"(,"temperature":1)")),
        key_of(request(R"(,"user":"u")")),
        key_of(request(R"(,"max_tokens":5)")),
        key_of(request(R"(,"x":null)")),
        key_of(request(R"(,"x":false)")),
        key_of(request(R"(,"x":0)")),
        key_of(request(R"(,"x":0.0)")),
        key_of(request(R"(,"x":"")")),
        key_of(request(R"(,"x":[])")),
        key_of(request(R"(,"x":{})")),
        key_of(request(R"(,"x":["a","b"])")),
        key_of(request(R"(,"x":["b","a"])")),
        key_of(request(R"(,"x":["ab"])")),
        key_of(request(R"(,"x":["a"],"y":"b")")),
        key_of(request(R"(,"stream":true)")),
        key_of(request(R"(,"stream":true,"stream_options":{"include_usage":true})")),
    };
    std::set<core::Digest> digests;
    for (const auto& one : keys) digests.insert(one.digest());
    EXPECT_EQ(digests.size(), keys.size());
    const KeyMaker other{core::Secret("another secret")};
    EXPECT_NE(other.make(request(), caller(), DataClass::Public, "p1", MayLeaveProcess::Yes).digest(),
              key_of(request()).digest());
}

TEST(CacheKey, IsTheSameForTheSameQuestion) {
    EXPECT_EQ(key_of(request()), key_of(request()));
    EXPECT_EQ(key_of(parsed(R"({"model":"m","messages":[{"role":"user","content":"x"}],"a":{"p":1,"q":[2]},"b":3})")),
              key_of(parsed(R"({"b":3,"a":{"q":[2],"p":1},"messages":[{"content":"x","role":"user"}],"model":"m"})")));
    EXPECT_EQ(key_of(request()), key_of(request(R"(,"stream":false)")));
    EXPECT_EQ(key_of(request()), key_of(request(R"(,"stream_options":{"include_usage":true})")));
    EXPECT_EQ(key_of(request(R"(,"stream":true)")),
              key_of(request(R"(,"stream":true,"stream_options":{"include_usage":false})")));
}

TEST(CacheKey, ConfidentialAndRestrictedNeverLeaveTheProcessWhateverIsAsked) {
    EXPECT_EQ(key_of(request(), 1, DataClass::Public).may_leave_process(), MayLeaveProcess::Yes);
    EXPECT_EQ(key_of(request(), 1, DataClass::Internal).may_leave_process(), MayLeaveProcess::Yes);
    EXPECT_EQ(key_of(request(), 1, DataClass::Confidential).may_leave_process(), MayLeaveProcess::No);
    EXPECT_EQ(key_of(request(), 1, DataClass::Restricted).may_leave_process(), MayLeaveProcess::No);
    EXPECT_EQ(key_of(request(), 1, DataClass::Public, "p1", MayLeaveProcess::No).may_leave_process(),
              MayLeaveProcess::No);
}

TEST(IsCacheable, FollowsThePolicy) {
    using Keep = CachePolicy::Keep;
    const auto cacheable = [](const std::string& more, Keep keep) {
        return is_cacheable(request(more), CachePolicy{keep});
    };
    EXPECT_TRUE(is_cacheable(request(), {}));
    EXPECT_TRUE(cacheable(R"(,"temperature":1)", Keep::All));
    EXPECT_FALSE(cacheable(R"(,"temperature":0)", Keep::Nothing));
    EXPECT_TRUE(cacheable(R"(,"temperature":0)", Keep::Deterministic));
    EXPECT_TRUE(cacheable(R"(,"temperature":0.0)", Keep::Deterministic));
    EXPECT_TRUE(cacheable(R"(,"temperature":1,"seed":7)", Keep::Deterministic));
    EXPECT_FALSE(cacheable(R"(,"temperature":0.1)", Keep::Deterministic));
    EXPECT_FALSE(cacheable(R"(,"temperature":null,"seed":null)", Keep::Deterministic));
    EXPECT_FALSE(cacheable("", Keep::Deterministic));
}

}  // namespace
}  // namespace sluice::cache
