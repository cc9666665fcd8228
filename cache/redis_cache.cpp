#include "cache/redis_cache.hpp"

#include "cache/reply_codec.hpp"

#include <array>
#include <string>

namespace sluice::cache {

namespace {

constexpr std::string_view kPrefix = "sluice:answer:1:";

std::string name_of(const Key& key) {
    return std::string(kPrefix) + core::to_hex(key.digest());
}

}  // namespace

RedisCache::RedisCache(core::net::io_context& loop, RedisConfig config, const core::Secret& secret,
                       std::chrono::seconds time_to_live)
    : client_(loop, std::move(config)), box_(secret, "sluice redis cache 1"), time_to_live_(time_to_live) {}

core::awaitable<std::optional<CachedReply>> RedisCache::find(const Key& key) {
    if (key.may_leave_process() == MayLeaveProcess::No) co_return std::nullopt;
    const std::string name = name_of(key);
    const std::array<std::string_view, 2> get{"GET", name};
    const auto reply = co_await client_.command(get);
    if (!reply || reply->kind != RedisReply::Kind::Text) co_return std::nullopt;
    const auto opened = box_.open(reply->text, name);
    if (!opened) co_return std::nullopt;
    co_return decode_reply(*opened);
}

core::awaitable<void> RedisCache::store(const Key& key, CachedReply reply) {
    if (key.may_leave_process() == MayLeaveProcess::No || reply.zone != core::Zone::Cloud) co_return;
    const std::string name = name_of(key);
    const std::string sealed = box_.seal(encode_reply(reply), name);
    const std::string seconds = std::to_string(time_to_live_.count());
    const std::array<std::string_view, 5> set{"SET", name, sealed, "EX", seconds};
    co_await client_.command(set);  // kept or not, the answer is on its way
}

}  // namespace sluice::cache
